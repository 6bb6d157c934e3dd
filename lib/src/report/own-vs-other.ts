/**
 * Does an adapter depend on its repository? Every method that writes one is compared with itself under its controls, task
 * by task: the same tasks twice, so the difference says more than two separate intervals. On two rulers: exact match, and
 * the likelihood of the target, which sees what changes no answer yet.
 */
import { mean } from '../eval/average.js';
import { pairedInterval, type ScoredTask, smallestDetectable } from '../eval/interval.js';
import type { Interval, Likelihood, Prediction } from '../eval/types.js';
import { groupBy } from '../train/draws.js';
import { type Control, isControl, isTrained } from './labels.js';

/** A paired difference in nats a target token; above zero, the first is the better one. */
export interface NatsDifference {
  difference: Interval;
  /** The smallest difference that could have been told from zero. */
  detectable: number;
  /** Repositories on which the first is better. */
  gaining: number;
}

/** `24 of 30` */
export const gainingOf = ({ gaining, difference }: NatsDifference): string => `${gaining} of ${difference.repositories}`;

export interface Comparison extends Pick<Prediction, 'track' | 'method' | 'suite'> {
  control: Control;
  /** Strict EM of the own adapter less that of the control, as a fraction, with its 95% interval. */
  difference: Interval;
  /** Strict EM of either, as fractions. */
  own: number;
  other: number;
  /** Of the control less of the own adapter; absent where no likelihood was taken. */
  nats?: NatsDifference;
}

/** One comparison for each control of each method on each suite. */
export function ownVsOther(predictions: readonly Prediction[], likelihoods: readonly Likelihood[] = []): Comparison[] {
  const suiteOf = ({ track, method, suite }: Pick<Prediction, 'track' | 'method' | 'suite'>) => `${track}/${method}/${suite}`;
  const groups = groupBy(predictions, suiteOf), nats = groupBy(likelihoods, suiteOf);
  return [...groups].flatMap(([key, list]) => {
    const byAdapter = groupBy(list, ({ adapter }) => adapter), natsOf = groupBy(nats.get(key) ?? [], ({ adapter }) => adapter);
    const own = byAdapter.get('own')?.map(scored), ownNats = natsOf.get('own');
    if (!own) return [];
    const { track, method, suite } = list[0]!;
    return [...byAdapter].flatMap(([control, rows]) => {
      if (!isControl(control)) return [];
      const other = rows.map(scored), otherNats = natsOf.get(control);
      return [{
        track, method, suite, control, difference: pairedInterval(own, other), own: meanScore(own), other: meanScore(other),
        ...(ownNats && otherNats && { nats: natsDifference(ownNats, otherNats) }),
      }];
    });
  });
}

/** A prediction's strict exact match, as the intervals want it. */
export const scored = ({ repo, taskId, seed, strictEM }: Prediction): Required<Omit<ScoredTask, 'weight'>> => ({ repo, task: taskId, seed, value: Number(strictEM) });

export const meanScore = (scores: readonly ScoredTask[]): number => mean(scores.map(({ value }) => value));

/** Nats a token of a target, which counts by its tokens. An empty target has none and counts for nothing. */
export const perToken = ({ repo, taskId, seed, targetNats, targetTokens }: Pick<Likelihood, 'repo' | 'taskId' | 'seed' | 'targetNats' | 'targetTokens'>): ScoredTask =>
  ({ repo, task: taskId, seed, value: targetTokens ? targetNats / targetTokens : 0, weight: targetTokens });

/** Nats a token by which the first is better, repository by repository; over all seeds of either. Repositories that both have. */
export function repositoryGains(better: readonly Likelihood[], worse: readonly Likelihood[]): { repo: string; gain: number }[] {
  const levels = (rows: readonly Likelihood[]) => new Map([...groupBy(rows, ({ repo }) => repo)].map(([repo, list]) =>
    [repo, list.reduce((n, { targetNats }) => n + targetNats, 0) / list.reduce((n, { targetTokens }) => n + targetTokens, 0)]));
  const others = levels(worse);
  return [...levels(better)].flatMap(([repo, level]) => { const other = others.get(repo); return other === undefined ? [] : [{ repo, gain: other - level }]; });
}

/**
 * The rows of two methods on the tasks that both have, and under the seeds that both have where both were trained; undefined
 * where there are none.
 */
export function onBoth<Row extends Pick<Prediction, 'taskId' | 'seed' | 'method'>>(one: readonly Row[], other: readonly Row[]): [Row[], Row[]] | undefined {
  const bySeed = [one, other].every(([row]) => row && isTrained(row.method)), keyOf = ({ taskId, seed }: Row) => (bySeed ? `${taskId}/${seed}` : taskId);
  const [keys, others] = [new Set(one.map(keyOf)), new Set(other.map(keyOf))];
  const both: [Row[], Row[]] = [one.filter((row) => others.has(keyOf(row))), other.filter((row) => keys.has(keyOf(row)))];
  return both[0].length ? both : undefined;
}

/** How much better the first is than the second, on the same tasks. */
export function natsDifference(better: readonly Likelihood[], worse: readonly Likelihood[]): NatsDifference {
  const [first, second] = [better.map(perToken), worse.map(perToken)], difference = pairedInterval(second, first);
  const sums = (list: readonly Likelihood[]) => {
    const seeds = new Set(list.map(({ seed }) => seed)).size, of = new Map<string, number>();
    for (const { repo, targetNats } of list) of.set(repo, (of.get(repo) ?? 0) + targetNats / seeds);
    return of;
  };
  const [own, other] = [sums(better), sums(worse)];
  return { difference, detectable: smallestDetectable(difference), gaining: [...own].filter(([repo, nats]) => nats < other.get(repo)!).length };
}
