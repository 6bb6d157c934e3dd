/** In-repository split of the static track: a training repository's tasks are shuffled and cut 80/10/10. */
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

/** A seed for one repository and one purpose, so that no repository's tasks depend on which others are in the corpus. */
export function repoSeed(seed: number, repo: string, purpose: string): number {
  return Number.parseInt(sha256(`${seed}\n${repo}\n${purpose}`).slice(0, 8), 16);
}
