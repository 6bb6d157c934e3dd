/**
 * Which tasks a step trains on. Every sampler is a pure function of the seed and the step, so a resumed run draws what
 * the run would have drawn, and two methods under one seed draw the same.
 */
import { Random } from '../store/random.js';
import type { Example } from './examples.js';

/** What an adapter is written for: a repository's snapshot, or in the evolution track its state after a commit. */
export interface Context {
  repo: string;
  /** Position among the repository's kept commits; absent for the snapshot of the static track. */
  commit?: number;
}

/** The tasks of one step: for each context equally many. */
export interface Draw {
  contexts: Context[];
  items: Example[][];
}

export type Sampler = (step: number) => Draw;

/**
 * Repository-balanced (paper §4.1): each step takes the next `repositories` repositories, and `tasks` tasks of each.
 * All repositories come up equally often, in a new order each round (a step that spans two rounds may meet one twice);
 * within one, its tasks come in a shuffled order and begin again when they run out.
 */
export function balanced(examples: readonly Example[], repositories: number, tasks: number, seed: number): Sampler {
  const byRepo = groupBy(examples, (e) => e.task.repo);
  const names = [...byRepo.keys()].sort();
  const count = Math.min(repositories, names.length);
  return (step) => {
    const drawn = Array.from({ length: count }, (_, i) => {
      const { name, round } = nth(names, step * count + i, seed);
      return { repo: name, items: cycle(byRepo.get(name)!, round * tasks, tasks, seed) };
    });
    return { contexts: drawn.map(({ repo }) => ({ repo })), items: drawn.map(({ items }) => items) };
  };
}

/** Uniform over tasks, as the authors' first trainer: a repository comes up as often as it has tasks. */
export function uniform(examples: readonly Example[], tasks: number, seed: number): Sampler {
  return (step) => {
    const items = cycle(examples, step * tasks, tasks, seed);
    return { contexts: items.map(({ task }) => ({ repo: task.repo })), items: items.map((e) => [e]) };
  };
}

/**
 * Walks histories: each step takes the next `repositories` repositories, a window of `commits` consecutive commits of
 * each that have tasks, and `tasks` tasks of each commit. A window is what back-propagation through time is truncated
 * to; the state before it is computed anew. All windows of a history come up before one does again, in a shuffled order:
 * walked from first to last, all histories of a step would be equally old, and what a step learns of one age the next
 * would unlearn.
 */
export function walking(examples: readonly Example[], repositories: number, commits: number, tasks: number, seed: number): Sampler {
  const histories = new Map([...groupBy(examples, (e) => e.task.repo)].map(([repo, list]) => {
    const byCommit = [...groupBy(list, (e) => e.task.commitIndex)].sort(([a], [b]) => a - b);
    return [repo, byCommit.map(([commit, items]) => ({ commit, items }))];
  }));
  const names = [...histories.keys()].sort();
  const count = Math.min(repositories, names.length);
  return (step) => {
    const drawn = Array.from({ length: count }, (_, i) => {
      const { name, round } = nth(names, step * count + i, seed);
      const history = histories.get(name)!;
      const windows = Math.ceil(history.length / commits), pass = Math.floor(round / windows);
      const order = new Random((seed * 15_485_863 + pass) * names.length + names.indexOf(name)).shuffle([...Array(windows).keys()]);
      const from = order[round % windows]! * commits;
      return history.slice(from, from + commits).map(({ commit, items }) =>
        ({ context: { repo: name, commit }, items: cycle(items, pass * tasks, tasks, seed) }));
    }).flat();
    return { contexts: drawn.map((d) => d.context), items: drawn.map((d) => d.items) };
  };
}

/** The `draw`-th name of endless rounds, each in an order of its own. */
function nth(names: readonly string[], draw: number, seed: number): { name: string; round: number } {
  const round = Math.floor(draw / names.length);
  return { name: new Random(seed * 7919 + round).shuffle(names)[draw % names.length]!, round };
}

/** `count` items from position `from` of endless shuffled passes over a list. */
function cycle<T>(items: readonly T[], from: number, count: number, seed: number): T[] {
  return Array.from({ length: count }, (_, j) => {
    const n = from + j;
    const order = new Random(seed * 104_729 + Math.floor(n / items.length)).shuffle([...items.keys()]);
    return items[order[n % items.length]!]!;
  });
}

export function groupBy<T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const out = new Map<K, T[]>();
  for (const item of items) {
    const list = out.get(key(item));
    if (list) list.push(item);
    else out.set(key(item), [item]);
  }
  return out;
}

/** Each list in slices of at most `most`. */
export function slices<T>(lists: readonly (readonly T[])[], most: number): T[][] {
  return lists.flatMap((list) => Array.from({ length: Math.ceil(list.length / most) }, (_, i) => list.slice(i * most, (i + 1) * most)));
}
