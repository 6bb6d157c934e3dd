/**
 * Does an adapter depend on its repository? Every method that writes one is compared with itself under its controls, task
 * by task: the same tasks twice, so the difference says more than two separate intervals.
 */
import { pairedInterval, type ScoredTask } from '../eval/interval.js';
import type { Interval, Prediction } from '../eval/types.js';
import { groupBy } from '../train/draws.js';
import { type Control, isControl, methodLabel, TRACKS } from './labels.js';
import { points } from './table.js';

export interface Comparison extends Pick<Prediction, 'track' | 'method' | 'suite'> {
  control: Control;
  /** Strict EM of the own adapter less that of the control, as a fraction, with its 95% interval. */
  difference: Interval;
  /** Strict EM of either, as fractions. */
  own: number;
  other: number;
}

/** One comparison for each control of each method on each suite. */
export function ownVsOther(predictions: readonly Prediction[]): Comparison[] {
  const groups = groupBy(predictions, ({ track, method, suite }) => `${track}/${method}/${suite}`);
  return [...groups.values()].flatMap((list) => {
    const byAdapter = groupBy(list, ({ adapter }) => adapter);
    const own = byAdapter.get('own')?.map(scored);
    if (!own) return [];
    const { track, method, suite } = list[0]!;
    return [...byAdapter].flatMap(([control, rows]) => {
      if (!isControl(control)) return [];
      const other = rows.map(scored);
      return [{ track, method, suite, control, difference: pairedInterval(own, other), own: mean(own), other: mean(other) }];
    });
  });
}

/** A prediction's strict exact match, as the intervals want it. */
export const scored = ({ repo, taskId, seed, strictEM }: Prediction): Required<ScoredTask> => ({ repo, task: taskId, seed, value: Number(strictEM) });

export const mean = (scores: readonly ScoredTask[]): number => scores.reduce((sum, { value }) => sum + value, 0) / scores.length;

/** What a comparison with another repository's adapter says, in one sentence; undefined for other controls. */
export function verdict({ track, method, suite, control, difference: { mean, low, high } }: Comparison): string | undefined {
  if (control !== 'other') return undefined;
  const where = `${methodLabel(method)}, ${TRACKS[track].toLowerCase()}, ${suite}`;
  if (Number.isNaN(low)) return `${where}: a single repository, which says nothing about others.`;
  const interval = `[${[low, high].map((bound) => plain(bound)).join(', ')}] points`;
  if (low > 0) return `${where}: the own adapter is better than another repository's by ${plain(mean)} ${interval}.`;
  if (high < 0) return `${where}: the own adapter is worse than another repository's by ${plain(-mean)} [${[high, low].map((bound) => plain(-bound)).join(', ')}] points.`;
  return `${where}: the own adapter cannot be told from another repository's (${plain(mean)} ${interval}).`;
}

/** In points, without a plus sign. */
const plain = (difference: number): string => points(difference).replace('+', '');
