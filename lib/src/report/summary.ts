/** From one row a prediction to one row a (method, adapter, suite): every score a mean with its interval. */
import { from, op } from 'arquero';
import { clusteredInterval } from '../eval/interval.js';
import type { Interval, Prediction } from '../eval/types.js';

export interface SummaryRow extends Pick<Prediction, 'method' | 'adapter' | 'suite'> {
  /** How many training seeds the predictions come from. */
  seeds: number;
  /** Exact-match rates and similarity as fractions in [0, 1]. */
  strictEM: Interval;
  relaxedEM: Interval;
  editSimilarity: Interval;
}

/** A group's tasks, a column a score. */
interface Group extends Pick<SummaryRow, 'method' | 'adapter' | 'suite' | 'seeds'> {
  repos: string[];
  strictEM: number[];
  relaxedEM: number[];
  editSimilarity: number[];
}

/**
 * Mean scores with 95% intervals, in the order in which methods, adapters and suites first appear.
 * A task seen under several seeds counts once, with its average: the interval's clusters stay repositories.
 * `seed` is that of the bootstrap.
 */
export function summarise(predictions: readonly Prediction[], seed = 0): SummaryRow[] {
  if (predictions.length === 0) return [];
  const groups = from([...predictions])
    .groupby('method', 'adapter', 'suite', 'repo', 'taskId')
    .rollup({
      seeds: op.distinct('seed'),
      strictEM: op.mean('strictEM'),
      relaxedEM: op.mean('relaxedEM'),
      editSimilarity: op.mean('editSimilarity'),
    })
    .groupby('method', 'adapter', 'suite')
    .rollup({
      seeds: op.max('seeds'),
      repos: op.array_agg('repo'),
      strictEM: op.array_agg('strictEM'),
      relaxedEM: op.array_agg('relaxedEM'),
      editSimilarity: op.array_agg('editSimilarity'),
    })
    .objects() as Group[];
  return groups.map(({ method, adapter, suite, seeds, repos, ...scores }) => {
    const interval = (values: number[]): Interval =>
      clusteredInterval(values.map((value, index) => ({ repo: repos[index]!, value })), { seed });
    return {
      method, adapter, suite, seeds,
      strictEM: interval(scores.strictEM),
      relaxedEM: interval(scores.relaxedEM),
      editSimilarity: interval(scores.editSimilarity),
    };
  });
}
