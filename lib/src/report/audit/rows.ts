/** What an audit's numbers say: gains with their intervals over repositories, ranks, and one paragraph. */
import { clusteredInterval, pairedInterval, type ScoredTask } from '../../eval/interval.js';
import type { Interval, Suite } from '../../eval/types.js';
import { type Audit, STEPS, type SuiteAudit } from '../../lab/audit/audit.js';
import { methodLabel } from '../labels.js';
import { judge } from '../verdicts.js';
import { nats, percent } from '../table.js';

export interface AuditRow {
  suite: Suite;
  repositories: number;
  /** Nats a token by which the own adapter is better than those of all other repositories of the suite, on average. */
  overOthers: Interval;
  /** Than the average adapter, at each step from it to the own one and beyond. */
  steps: { step: number; gain: Interval }[];
  /**
   * Place of the own adapter among those of all repositories of its suite, from 0 for the best to 1 for the worst; one half
   * is what chance gives.
   */
  place: Interval;
  /** The places of the single repositories. */
  places: { repository: string; place: number }[];
  /** Cosine of the vectors that are read, and of the changes of weights that are written, over all pairs. */
  cosines: { vectors: number; deltas: number };
}

export const auditRows = ({ suites }: Audit): AuditRow[] => suites.filter(({ repositories }) => repositories.length > 1).map(suiteRow);

function suiteRow({ suite, repositories, tokens, nats: matrix, steps, spread }: SuiteAudit): AuditRow {
  /** One score a repository, which counts by its tokens. */
  const scored = (value: (row: number) => number): ScoredTask[] => repositories.map((repo, row) => ({ repo, task: repo, value: value(row) / tokens[row]!, weight: tokens[row]! }));
  const own = (row: number) => matrix[row]![row]!;
  const others = (row: number) => (matrix[row]!.reduce((a, b) => a + b, 0) - own(row)) / (repositories.length - 1);
  const places = repositories.map((repository, row) => {
    const better = matrix[row]!.filter((value) => value < own(row)).length, equal = matrix[row]!.filter((value) => value === own(row)).length - 1;
    return { repository, place: (better + equal / 2) / (repositories.length - 1) };
  });
  return {
    suite, repositories: repositories.length,
    overOthers: pairedInterval(scored(others), scored(own)),
    steps: STEPS.map((step, i) => ({ step, gain: pairedInterval(scored((row) => steps[row]![0]!), scored((row) => steps[row]![i]!)) })),
    place: clusteredInterval(places.map(({ repository, place }) => ({ repo: repository, value: place }))), places,
    cosines: { vectors: spread.vectors!.cosine.mean, deltas: spread.deltas!.cosine.mean },
  };
}

/** The answer to "does the adapter depend on the repository?", a sentence a suite. */
export function auditAnswer({ method }: Audit, rows: readonly AuditRow[]): string {
  const sentences = rows.map(({ suite, repositories, overOthers, steps, place, cosines }) => {
    const what = suite === 'IR' ? 'on repositories that it was trained on' : 'on repositories that it has never seen';
    const verdict = { better: 'the own adapter is better than', worse: 'the own adapter is worse than', undecided: 'the own adapter cannot be told from', single: '' }[judge(overOthers)];
    const whole = steps.find(({ step }) => step === 1)!.gain;
    const best = steps.reduce((a, b) => (b.gain.mean > a.gain.mean ? b : a));
    return `${capital(what)} (${suite}, ${repositories} repositories) ${verdict} the others', by ${interval(overOthers)} nats a token; against the average adapter it brings ${interval(whole)}`
      + `${best.step === 1 ? ', and no other step between the two brings more' : best.step === 0 ? ', and the average adapter itself is the best of all steps between the two'
        : `, and ${best.step} of the way from the average to it brings the most (${interval(best.gain)})`}. `
      + `Among all repositories' adapters the own one stands at ${percent(place.mean)}% [${percent(place.low)}, ${percent(place.high)}] of the way from the best to the worst, where chance gives 50. `
      + `The vectors that are read have a mean cosine of ${signed(cosines.vectors)}, the changes of weights that are written one of ${signed(cosines.deltas)}.`;
  });
  return `${methodLabel(method)}. ${sentences.join(' ')}`;
}

const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1);
const interval = ({ mean, low, high }: Interval): string => `${nats(mean)} [${nats(low)}, ${nats(high)}]`;
const signed = (value: number): string => value.toFixed(3).replace('-', '−');
