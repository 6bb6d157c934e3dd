/**
 * 95% intervals by percentile bootstrap. Tasks of one repository resemble each other, so repositories are resampled,
 * each with all its tasks; drawing single tasks, as the paper does, gives intervals that are too narrow.
 */
import { UserError } from '../store/errors.js';
import { Random } from '../store/random.js';
import type { Interval } from './types.js';

/** One task's score. */
export interface ScoredTask {
  repo: string;
  value: number;
}

export interface BootstrapOptions {
  seed?: number;
  resamples?: number;
}

/** Quantile of a sorted array with linear interpolation, as numpy's default. */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (at - low) * (sorted[high]! - sorted[low]!);
}

/**
 * Mean over tasks with its 95% interval. The same values in any order give the same interval.
 * One repository says nothing about others: `low` and `high` are then NaN.
 * @throws UserError when there is no value, or one that is not a number
 */
export function clusteredInterval(values: readonly ScoredTask[], options: BootstrapOptions = {}): Interval {
  const { seed = 0, resamples = 5000 } = options;
  if (values.length === 0) throw new UserError('No scores to average: no task was evaluated. Check the filters of the evaluation.');
  const clusters = new Map<string, { sum: number; count: number }>();
  for (const { repo, value } of values) {
    if (!Number.isFinite(value)) throw new UserError(`A score of ${repo} is ${value}, not a number: evaluate it again.`);
    const cluster = clusters.get(repo) ?? { sum: 0, count: 0 };
    cluster.sum += value;
    cluster.count++;
    clusters.set(repo, cluster);
  }
  const repos = [...clusters.keys()].sort();
  const sums = Float64Array.from(repos, (repo) => clusters.get(repo)!.sum);
  const counts = Float64Array.from(repos, (repo) => clusters.get(repo)!.count);
  const mean = sums.reduce((a, b) => a + b, 0) / values.length;
  const size = { tasks: values.length, repositories: repos.length };
  if (repos.length === 1) return { mean, low: Number.NaN, high: Number.NaN, ...size };
  const random = new Random(seed);
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    let sum = 0;
    let count = 0;
    for (let k = 0; k < repos.length; k++) {
      const pick = random.below(repos.length);
      sum += sums[pick]!;
      count += counts[pick]!;
    }
    means[r] = sum / count;
  }
  means.sort();
  return { mean, low: quantile(means, 0.025), high: quantile(means, 0.975), ...size };
}

/**
 * Mean difference a − b of two methods on the same tasks, with its 95% interval.
 * @param a scores of one method
 * @param b scores of the other, task by task in the same order
 * @throws UserError when the two do not line up
 */
export function pairedInterval(a: readonly ScoredTask[], b: readonly ScoredTask[], options: BootstrapOptions = {}): Interval {
  if (a.length !== b.length) throw new UserError(`Cannot pair ${a.length} scores with ${b.length}: evaluate both methods on the same tasks.`);
  const differences = a.map(({ repo, value }, i) => {
    const other = b[i]!;
    if (other.repo !== repo) throw new UserError(`Cannot pair score ${i}: it is of ${repo} in one method and of ${other.repo} in the other. Sort both by task.`);
    return { repo, value: value - other.value };
  });
  return clusteredInterval(differences, options);
}
