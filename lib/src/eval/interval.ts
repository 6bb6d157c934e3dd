/**
 * 95% intervals by percentile bootstrap. Tasks of one repository resemble each other, so repositories are resampled,
 * each with all its tasks; drawing single tasks, as the paper does, gives intervals that are too narrow. Scores of
 * several training seeds are resampled by seed too: every resample draws repositories and, independently, seeds.
 */
import { UserError } from '../store/errors.js';
import { Random } from '../store/random.js';
import { quantile } from './average.js';
import type { Interval } from './types.js';

/** One task's score. */
export interface ScoredTask {
  repo: string;
  value: number;
  /** Needed to pair two methods whose scores are in different orders. */
  task?: string;
  /** Training seed of the model that was scored; left out where there is one. */
  seed?: number;
  /** How much the task counts in a mean, 1 when left out: its tokens, where the value is one a token. */
  weight?: number;
}

export interface BootstrapOptions {
  seed?: number;
  resamples?: number;
}

const seedsOf = (values: readonly ScoredTask[]): (number | undefined)[] => [...new Set(values.map(({ seed }) => seed))];

/**
 * Mean over tasks, and over seeds where there are several, with its 95% interval. The same values in any order give
 * the same interval, up to rounding. With few seeds it is too narrow: a resample of two seeds shows half of the
 * variance between seeds. One repository says nothing about others: `low` and `high` are then NaN.
 * @throws UserError when there is no value, one that is not a number, or a repository with more under one seed
 */
export function clusteredInterval(values: readonly ScoredTask[], options: BootstrapOptions = {}): Interval {
  const { seed = 0, resamples = 5000 } = options;
  if (values.length === 0) throw new UserError('No scores to average: no task was evaluated. Check the filters of the evaluation.');
  const seeds = seedsOf(values).sort((a, b) => (a ?? -1) - (b ?? -1));
  const seedIndex = new Map(seeds.map((value, index) => [value, index]));
  /** Sum and weight of each repository's scores, one a seed. */
  const clusters = new Map<string, { sums: Float64Array; counts: Float64Array }>();
  let weights = 0;
  for (const { repo, value, seed: trained, weight = 1 } of values) {
    if (!Number.isFinite(value)) throw new UserError(`A score of ${repo} is ${value}, not a number: evaluate it again.`);
    let cluster = clusters.get(repo);
    if (!cluster) clusters.set(repo, cluster = { sums: new Float64Array(seeds.length), counts: new Float64Array(seeds.length) });
    cluster.sums[seedIndex.get(trained)!]! += weight * value;
    cluster.counts[seedIndex.get(trained)!]! += weight;
    weights += weight;
  }
  for (const [repo, { counts }] of clusters) {
    if (counts.some((count) => count !== counts[0])) {
      throw new UserError(`Seeds ${seeds.join(', ')} have ${[...counts].join(', ')} scores of ${repo}: evaluate all on the same tasks.`);
    }
  }
  const repos = [...clusters.keys()].sort();
  const byRepo = repos.map((repo) => clusters.get(repo)!);
  const mean = byRepo.reduce((total, { sums }) => total + sums.reduce((a, b) => a + b, 0), 0) / weights;
  const size = { tasks: values.length / seeds.length, repositories: repos.length, seeds: seeds.length };
  if (repos.length === 1) return { mean, low: Number.NaN, high: Number.NaN, ...size };
  const random = new Random(seed);
  const means = new Float64Array(resamples);
  const times = new Float64Array(seeds.length);
  for (let r = 0; r < resamples; r++) {
    times.fill(seeds.length === 1 ? 1 : 0);
    if (seeds.length > 1) for (let k = 0; k < seeds.length; k++) times[random.below(seeds.length)]!++;
    let sum = 0;
    let count = 0;
    for (let k = 0; k < repos.length; k++) {
      const { sums, counts } = byRepo[random.below(repos.length)]!;
      for (let s = 0; s < seeds.length; s++) {
        sum += times[s]! * sums[s]!;
        count += times[s]! * counts[s]!;
      }
    }
    means[r] = sum / count;
  }
  means.sort();
  return { mean, low: quantile(means, 0.025), high: quantile(means, 0.975), ...size };
}

/**
 * Mean difference a − b of two methods on the same tasks, with its 95% interval. Scores that name their task are
 * paired by task and seed, others by their place in the list. A method with a single seed is compared with every seed
 * of the other.
 * @throws UserError when the two do not line up
 */
export function pairedInterval(a: readonly ScoredTask[], b: readonly ScoredTask[], options: BootstrapOptions = {}): Interval {
  const seeds = seedsOf(b).length;
  if (seedsOf(a).length < seeds) {
    const { mean, low, high, ...size } = pairedInterval(b, a, options);
    return { mean: -mean, low: -high, high: -low, ...size };
  }
  const key = ({ task, seed }: ScoredTask, place: number): string => JSON.stringify([task ?? place, seeds > 1 ? seed : 0]);
  const others = new Map(b.map((score, place) => [key(score, place), score]));
  if (others.size < b.length) {
    throw new UserError('Cannot pair scores: one method has two of the same task. Compare one adapter at a time.');
  }
  if (a.length !== b.length * (seeds > 1 ? 1 : seedsOf(a).length)) {
    throw new UserError(`Cannot pair ${a.length} scores with ${b.length}: evaluate both methods on the same tasks.`);
  }
  const differences = a.map((score, place) => {
    const { repo, value } = score;
    const other = others.get(key(score, place));
    if (!other) {
      throw new UserError(`Cannot pair ${score.task} of ${repo}: evaluate both methods on the same tasks, with the same seeds.`);
    }
    if (other.repo !== repo) {
      throw new UserError(
        `Cannot pair score ${place}: it is of ${repo} in one method and of ${other.repo} in the other. Sort both by task.`);
    }
    return { ...score, value: value - other.value };
  });
  return clusteredInterval(differences, options);
}

/**
 * How many times the mean of `over` the mean of `part` is, both of the same tasks in the same order, with its 95% interval
 * over repositories. Where the mean of `over` may be zero the quotient says nothing: ask for its own interval first.
 * @throws UserError when there is no task
 */
export function ratioInterval(part: readonly ScoredTask[], over: readonly ScoredTask[], { seed = 0, resamples = 5000 }: BootstrapOptions = {}): Interval {
  if (part.length === 0) throw new UserError('No scores to compare: no task was evaluated. Check the filters of the evaluation.');
  const clusters = new Map<string, [part: number, over: number]>();
  part.forEach(({ repo, value, weight = 1 }, i) => {
    const sums = clusters.get(repo) ?? [0, 0];
    clusters.set(repo, [sums[0] + weight * value, sums[1] + (over[i]!.weight ?? 1) * over[i]!.value]);
  });
  const sums = [...clusters.keys()].sort().map((repo) => clusters.get(repo)!);
  const quotient = (list: readonly (readonly [number, number])[]) => list.reduce((n, [p]) => n + p, 0) / list.reduce((n, [, o]) => n + o, 0);
  const size = { tasks: part.length, repositories: sums.length, seeds: seedsOf(part).length };
  if (sums.length === 1) return { mean: quotient(sums), low: Number.NaN, high: Number.NaN, ...size };
  const random = new Random(seed);
  const drawn = Float64Array.from({ length: resamples }, () => quotient(sums.map(() => sums[random.below(sums.length)]!))).sort();
  return { mean: quotient(sums), low: quantile(drawn, 0.025), high: quantile(drawn, 0.975), ...size };
}

/** Standard normal quantiles: two-sided 5%, and 80% power. */
const TWO_SIDED = 1.96, POWER = 0.8416;

/**
 * The smallest difference that would have been told from zero in four of five such measurements (80% power, two-sided
 * 5%), from the interval's own standard error. NaN where the interval has no bounds.
 */
export const smallestDetectable = ({ low, high }: Interval): number => ((TWO_SIDED + POWER) * (high - low)) / (2 * TWO_SIDED);
