/** In-repository splits: 80/10/10 of a training repository's tasks at random (static track), or of its commits in time. */
import { sha256 } from '../store/hash.js';
import { Random } from '../store/random.js';
import type { CrossRepoSplit, InRepoSplit } from './types.js';

/** The split of each of `count` tasks in their order; tasks of a CR repository are all `test`. */
export function inRepoSplits(count: number, split: CrossRepoSplit, seed: number): InRepoSplit[] {
  const splits = new Array<InRepoSplit>(count).fill('test');
  if (split !== 'train') return splits;
  const order = new Random(seed).shuffle(splits.map((_, i) => i));
  const train = Math.floor(0.8 * count);
  const val = Math.floor(0.1 * count);
  order.forEach((task, rank) => {
    if (rank < train) splits[task] = 'train';
    else if (rank < train + val) splits[task] = 'val';
  });
  return splits;
}

/**
 * The part of each kept commit, oldest first: the first 80% train, the next 10% val, the rest test; all train when there
 * are fewer than three. Commits of other repositories are all `test`. History follows parents, not clocks: a later
 * commit that bears a time before the newest of the training part has no part (undefined).
 */
export function chronologicalSplits(seconds: readonly number[], split: CrossRepoSplit): (InRepoSplit | undefined)[] {
  if (split !== 'train') return seconds.map(() => 'test');
  const n = seconds.length;
  const train = n < 3 ? n : Math.floor(0.8 * n);
  const val = Math.floor(0.1 * n);
  const newest = seconds.slice(0, train).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return seconds.map((time, i) => (i < train ? 'train' : time < newest ? undefined : i < train + val ? 'val' : 'test'));
}

/** A seed for one repository and one purpose, so that no repository's tasks depend on which others are in the corpus. */
export function repoSeed(seed: number, repo: string, purpose: string): number {
  return Number.parseInt(sha256(`${seed}\n${repo}\n${purpose}`).slice(0, 8), 16);
}
