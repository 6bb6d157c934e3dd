/**
 * The paper's claims, each with what was measured here, on which ruler, and a verdict. Computed from runs, so that it is the
 * same table in every profile; what was not run says so.
 */
import type { Interval, Likelihood, Prediction, Suite } from '../eval/types.js';
import { pairedInterval } from '../eval/interval.js';
import type { Track } from '../methods/index.js';
import type { AblationRow } from './ablation/rows.js';
import { tracks, TRACKS } from './labels.js';
import { type NatsDifference, natsDifference, onBoth, scored } from './own-vs-other.js';
import { nats, natsSize, points, type ReportTable, type Section } from './table.js';

export type Verdict = 'supported' | 'contradicted' | 'undecided' | 'not run';

export interface Claim {
  claim: string;
  /** What was compared: `own − other`, track and suite. */
  compared: string;
  track: Track;
  suite: Suite;
  /** Nats a token by which the first is better. */
  measured?: NatsDifference;
  /** Points of strict exact match, as a fraction. */
  exactMatch?: Interval;
  verdict: Verdict;
  /** Why it is undecided, or what the verdict rests on, in a few words. */
  because: string;
}

type Answer = Pick<Prediction, 'method' | 'adapter' | 'track' | 'suite' | 'taskId' | 'seed'>;
/** One side of a comparison: a method under one of its adapters. */
interface Side {
  method: string;
  adapter: Prediction['adapter'];
}
const own = (method: string): Side => ({ method, adapter: 'own' });
const plain = (method: string): Side => ({ method, adapter: 'none' });

const STATIC = 'code2lora-static', EVO = 'code2lora-evo';
const NOT_RUN = { verdict: 'not run', because: '' } as const;
/** As good is what is behind by no more than this share of what the better known method gains over the pretrained model. */
const EQUAL = 0.1;

export interface ClaimInputs {
  predictions: readonly Prediction[];
  likelihoods: readonly Likelihood[];
  /** Rows of choices named by their number of training repositories. */
  repositories?: readonly AblationRow[];
}

export function claims({ predictions, likelihoods, repositories = [] }: ClaimInputs): Claim[] {
  const compare = (track: Track, suite: Suite, better: Side, worse: Side) => differences({ predictions, likelihoods }, track, suite, better, worse);
  const better = (claim: string, compared: string, track: Track, suite: Suite, first: Side, second: Side): Claim => {
    const found = compare(track, suite, first, second);
    return { claim, compared, track, suite, ...found, ...judged(found.measured) };
  };
  return [
    ...tracks.flatMap((track) => suitesOf(['CR', 'IR'], (suite) =>
      better('One adapter for all is better than none', 'Single LoRA − pretrained', track, suite, own('single-lora'), plain('pretrained')))),
    ...suitesOf(['CR', 'IR'], (suite) => better('Static is better than one adapter for all', 'Static − single LoRA', 'static', suite, own(STATIC), own('single-lora'))),
    equal(compare('static', 'IR', own(STATIC), own('per-repo-lora')), compare('static', 'IR', own('per-repo-lora'), plain('pretrained')).measured),
    ...suitesOf(['CR', 'IR'], (suite) => better('Evo is better than Static where there is a history', 'Evo − Static', 'evolution', suite, own(EVO), own(STATIC))),
    ...suitesOf(['CR', 'IR'], (suite) => better('Evo is better than one adapter for all', 'Evo − single LoRA', 'evolution', suite, own(EVO), own('single-lora'))),
    better('Evo does not go stale', 'Evo − its first commit\'s adapter, kept', 'evolution', 'CR', own(EVO), { method: EVO, adapter: 'first' }),
    ...['rag', 'dependency-context'].flatMap((text) => suitesOf(['CR', 'IR'], (suite) =>
      better('Parameters are better than retrieved text', text === 'rag' ? 'Static − RAG' : 'Static − Dep.-Resolved Context', 'static', suite, own(STATIC), plain(text)))),
    ...suitesOf(['CR', 'IR'], (suite) => better('Similar chunks in the prompt do harm', 'Pretrained − RAG', 'static', suite, plain('pretrained'), plain('rag'))),
    ...suitesOf(['CR', 'IR'], (suite) =>
      better('The definitions that a test imports help', 'Dep.-Resolved Context − pretrained', 'static', suite, plain('dependency-context'), plain('pretrained'))),
    ...(['other', 'average'] as const).flatMap((adapter) => suitesOf(['CR', 'IR'], (suite) =>
      better('The adapter is specific to its repository', adapter === 'other' ? 'own − another repository\'s' : 'own − average', 'static', suite, own(STATIC), { method: STATIC, adapter }))),
    moreHelp(repositories),
    better('It carries over to repositories younger than all data', 'Static − single LoRA', 'static', 'OOD', own(STATIC), own('single-lora')),
  ];
}

const suitesOf = (suites: readonly Suite[], make: (suite: Suite) => Claim): Claim[] => suites.map(make);

/** On the tasks and seeds that both have; what has no adapter trains nothing here, and stands under one seed for all. */
function differences(
  { predictions, likelihoods }: Pick<ClaimInputs, 'predictions' | 'likelihoods'>, track: Track, suite: Suite, better: Side, worse: Side,
): Pick<Claim, 'measured' | 'exactMatch'> {
  const of = <Row extends Answer>(rows: readonly Row[], { method, adapter }: Side): Row[] =>
    rows.filter((row) => row.track === track && row.suite === suite && row.method === method && row.adapter === adapter);
  const shared = <Row extends Answer>(rows: readonly Row[]) => onBoth(of(rows, better), of(rows, worse));
  const byNats = shared(likelihoods), byMatch = shared(predictions);
  return {
    ...(byNats && { measured: natsDifference(...byNats) }),
    ...(byMatch && { exactMatch: pairedInterval(byMatch[0].map(scored), byMatch[1].map(scored)) }),
  };
}

/** "The first is better", from its interval. */
function judged(measured: NatsDifference | undefined): Pick<Claim, 'verdict' | 'because'> {
  if (!measured) return NOT_RUN;
  const { low, high } = measured.difference;
  if (low > 0) return { verdict: 'supported', because: 'interval above zero' };
  if (high < 0) return { verdict: 'contradicted', because: 'interval below zero' };
  return { verdict: 'undecided', because: Number.isNaN(low) ? 'a single repository' : `could have seen ${natsSize(measured.detectable)}` };
}

function equal(found: Pick<Claim, 'measured' | 'exactMatch'>, gain: NatsDifference | undefined): Claim {
  const base = { claim: 'Static is as good as an adapter trained for the repository alone', compared: 'Static − per-repo LoRA', track: 'static' as const, suite: 'IR' as const, ...found };
  if (!found.measured || !gain) return { ...base, ...NOT_RUN };
  if (gain.difference.mean <= 0) return { ...base, verdict: 'undecided', because: 'per-repo LoRA gains nothing' };
  if (Number.isNaN(found.measured.difference.low)) return { ...base, verdict: 'undecided', because: 'a single repository' };
  const margin = EQUAL * gain.difference.mean, { low, high } = found.measured.difference, limit = `${natsSize(margin)}, a tenth of what per-repo LoRA gains`;
  if (low >= -margin) return { ...base, verdict: 'supported', because: `not worse by more than ${limit}` };
  if (high < -margin) return { ...base, verdict: 'contradicted', because: `worse by more than ${limit}` };
  return { ...base, verdict: 'undecided', because: `${high < 0 ? 'worse, and open whether' : 'open whether worse'} by more than ${limit}` };
}

/** The most against the fewest training repositories, on the same unseen ones. */
function moreHelp(rows: readonly AblationRow[]): Claim {
  const placed = rows.filter(({ suite, choice }) => suite === 'CR' && Number.isFinite(Number(choice))).sort((a, b) => Number(a.choice) - Number(b.choice));
  const [fewest, most] = [placed[0], placed.at(-1)];
  const compared = fewest && most && fewest !== most ? `${most.choice} − ${fewest.choice} training repositories` : 'most − fewest training repositories';
  const base = { claim: 'More training repositories help', compared, track: 'static' as const, suite: 'CR' as const };
  const { changeNats, change } = most ?? {};
  return { ...base, ...(changeNats && { measured: changeNats }), ...(change && { exactMatch: change }), ...judged(changeNats) };
}

/** Training seeds of the two rulers: one number where they are as many. */
function seedsOf(byNats: Interval | undefined, byMatch: Interval | undefined): string | undefined {
  const counts = [...new Set([byNats, byMatch].flatMap((interval) => (interval ? [interval.seeds] : [])))];
  return counts.length ? counts.join('; ') : undefined;
}

export function claimsTable(list: readonly Claim[]): ReportTable {
  const seen = [...new Set(list.map(({ claim }) => claim))];
  return {
    head: 'Claim', ids: ['claim', 'track', 'suite'],
    groups: [{ label: '', columns: [
      { key: 'where', label: 'Track, suite', prose: true }, { key: 'nats', label: 'Nats a token', format: nats, interval: 'bounds' }, { key: 'gaining', label: 'Repos that gain' },
      { key: 'points', label: 'Points of strict EM', format: points, interval: 'bounds' }, { key: 'seeds', label: 'Seeds' }, { key: 'verdict', label: 'Verdict' }, { key: 'because', label: 'Because', prose: true },
    ] }],
    sections: seen.map((claim): Section => ({
      title: claim,
      rows: list.filter((one) => one.claim === claim).map(({ compared, track, suite, measured, exactMatch, verdict, because }) => ({
        label: compared, kind: verdict === 'supported' ? 'main' : 'method', ids: { claim, track, suite },
        values: {
          where: `${TRACKS[track]}, ${suite}`, nats: measured?.difference, gaining: measured && `${measured.gaining} of ${measured.difference.repositories}`,
          points: exactMatch, seeds: seedsOf(measured?.difference, exactMatch), verdict, because,
        },
      })),
    })),
    findings: [],
    note: 'A verdict rests on the log-likelihood: above zero the target is more probable under what is named first. Supported: the 95% interval (over repositories and, '
      + 'where there are several, training seeds; of two numbers of seeds the first is of nats, the second of exact match) is above zero; contradicted: below; undecided: it holds zero, and beside it stands the smallest difference that would have been told from zero in four of five such measurements. '
      + '"As good as" is judged otherwise: supported if not worse by more than a tenth of what the other gains, undecided if the interval holds that limit. '
      + 'Retrieved text stands before the model as it is, which nothing has trained: how much training alone gains over it is in the rows of single LoRA. '
      + 'The paper\'s model is Qwen2.5-Coder-1.5B with long prompts, trained on 409 repositories: a claim that is contradicted here may hold there.',
  };
}

