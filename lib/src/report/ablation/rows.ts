/**
 * An ablation: one thing changed at a time, everything else as it was. Every choice stands beside its own controls on
 * the same tasks, so a choice that only moves the level can be told from one that makes the adapter know its repository.
 */
import { clusteredInterval, pairedInterval } from '../../eval/interval.js';
import type { Interval, Likelihood, Prediction, Suite } from '../../eval/types.js';
import type { AdapterKind } from '../../methods/index.js';
import { UserError } from '../../store/errors.js';
import { groupBy } from '../../train/draws.js';
import { suites } from '../labels.js';
import { type NatsDifference, natsDifference, onBoth, perToken, scored } from '../own-vs-other.js';

/** One choice: what it is called in the table, and what was answered with it under one seed. */
export interface Choice {
  name: string;
  predictions: readonly Prediction[];
  likelihoods?: readonly Likelihood[];
}

export interface AblationRow {
  choice: string;
  suite: Suite;
  /** How many training seeds it was run with. */
  seeds: number;
  /** Strict EM of the adapters that the choice was run with, as fractions with their 95% intervals. */
  scores: Partial<Record<AdapterKind, Interval>>;
  /** Own adapter less another repository's, task by task. */
  gain?: Interval;
  /** This choice's own adapter less that of the first choice, task by task; absent for the first. */
  change?: Interval;
  /** Nats a target token under the own adapter. */
  ownNats?: Interval;
  /** The same two in nats a target token, and the gain over the average adapter; above zero, the own adapter is the better one. */
  gainNats?: NatsDifference;
  averageNats?: NatsDifference;
  changeNats?: NatsDifference;
}

/**
 * A row for each choice and suite, in the order of the choices. Those of one name are one choice under several seeds.
 * @throws UserError when the choices were run on different tracks
 */
export function ablationRows(runs: readonly Choice[]): AblationRow[] {
  oneTrack(runs);
  const choices = [...groupBy(runs, ({ name }) => name)].map(([name, list]): Required<Choice> =>
    ({ name, predictions: list.flatMap(({ predictions }) => predictions), likelihoods: list.flatMap(({ likelihoods = [] }) => likelihoods) }));
  const [first] = choices;
  return suites.flatMap((suite) => choices.flatMap((choice): AblationRow[] => {
    const byAdapter = adaptersOf(choice.predictions, suite), nats = adaptersOf(choice.likelihoods, suite);
    const own = byAdapter.get('own'), other = byAdapter.get('other'), answers = ownOf(byAdapter);
    if (!answers) return [];
    const [ownNats, otherNats, averageNats] = [ownOf(nats), nats.get('other'), nats.get('average')];
    const reference = choice === first ? undefined : first;
    const change = reference && comparable(answers, ownOf(adaptersOf(reference.predictions, suite)));
    const changeNats = reference && comparable(ownNats, ownOf(adaptersOf(reference.likelihoods, suite)));
    return [{
      choice: choice.name, suite, seeds: new Set(choice.predictions.map(({ seed }) => seed)).size,
      scores: Object.fromEntries([...byAdapter].map(([adapter, list]) => [adapter, clusteredInterval(list.map(scored))])),
      ...(own && other && { gain: pairedInterval(own.map(scored), other.map(scored)) }),
      ...(change && { change: pairedInterval(change[0].map(scored), change[1].map(scored)) }),
      ...(ownNats && { ownNats: clusteredInterval(ownNats.map(perToken)) }),
      ...(ownNats && otherNats && { gainNats: natsDifference(ownNats, otherNats) }),
      ...(ownNats && averageNats && { averageNats: natsDifference(ownNats, averageNats) }),
      ...(changeNats && { changeNats: natsDifference(...changeNats) }),
    }];
  }));
}

/**
 * The answers of two choices to the same tasks, under the seeds that both have; undefined where one has other tasks, as choices
 * of what is trained on can leave a suite with: these cannot be compared one by one.
 */
function comparable<Row extends Pick<Prediction, 'taskId' | 'seed' | 'method'>>(one: readonly Row[] = [], other: readonly Row[] = []): [Row[], Row[]] | undefined {
  const both = onBoth(one, other), tasks = (rows: readonly Row[]) => new Set(rows.map(({ taskId }) => taskId)).size;
  return both && tasks(both[0]) === tasks(one) && tasks(both[1]) === tasks(other) ? both : undefined;
}

function oneTrack(choices: readonly Choice[]): void {
  const track = new Map(choices.flatMap(({ name, predictions }) => predictions.slice(0, 1).map((p) => [p.track, name])));
  if (track.size > 1) {
    throw new UserError(`These choices answered on different tracks (${[...track].map(([on, name]) => `${name}: ${on}`).join(', ')}): make a table for each track.`);
  }
}

/** What a choice is judged by: its own adapter's rows, or those without any. */
const ownOf = <Row>(byAdapter: ReadonlyMap<AdapterKind, Row[]>): Row[] | undefined => byAdapter.get('own') ?? byAdapter.get('none');

/** What is of a suite, by adapter. */
const adaptersOf = <Row extends Pick<Prediction, 'suite' | 'adapter'>>(rows: readonly Row[], suite: Suite): Map<AdapterKind, Row[]> =>
  groupBy(rows.filter((row) => row.suite === suite), ({ adapter }) => adapter);
