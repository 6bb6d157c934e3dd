/**
 * How well a set of tasks can be answered at all, under greedy decoding and strict exact match: by one who sees only the
 * prefix, and by one who also knows the repository and its commit.
 */
import type { Task } from '../../types.js';

export interface Ceiling {
  /** The best share that any function of the prefix alone gets right on these very tasks. */
  withoutRepository: number;
  /** The same for any function of repository, commit and prefix. */
  withRepository: number;
}

/** Both are 0 without tasks. */
export function ceiling(tasks: readonly Task[]): Ceiling {
  return {
    withoutRepository: bestShare(tasks, ({ prefix }) => prefix),
    withRepository: bestShare(tasks, ({ repo, commit, prefix }) => `${repo}\n${commit}\n${prefix}`),
  };
}

/** Answering each group of tasks that look alike with its most frequent target. */
function bestShare(tasks: readonly Task[], seen: (task: Task) => string): number {
  const groups = new Map<string, Map<string, number>>();
  for (const task of tasks) {
    const key = seen(task), target = task.target.trim();
    const counts = groups.get(key) ?? new Map<string, number>();
    groups.set(key, counts.set(target, (counts.get(target) ?? 0) + 1));
  }
  const right = [...groups.values()].reduce((sum, counts) => sum + Math.max(...counts.values()), 0);
  return tasks.length ? right / tasks.length : 0;
}
