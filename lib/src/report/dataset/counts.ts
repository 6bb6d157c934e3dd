/** How many repositories, commits and tasks each split of a track has; rows go by one at a time. */
import { type Suite, SUITES, suiteOf } from '../../data/dataset/suites.js';
import type { Commit, Task } from '../../data/types.js';

export interface SplitCount {
  suite: Suite;
  repositories: number;
  commits: number;
  tasks: number;
}

export type CountedTask = Pick<Task, 'repo' | 'commit' | 'split' | 'inRepoSplit'>;
export type CountedCommit = Pick<Commit, 'repo' | 'id' | 'split' | 'inRepoSplit'>;
type Rows<T> = Iterable<T> | AsyncIterable<T>;

/**
 * Splits without rows are left out.
 * @param commits the kept commits of the evolution track, with or without tasks; else those that the tasks name count
 */
export async function countSplits(tasks: Rows<CountedTask>, commits?: Rows<CountedCommit>): Promise<SplitCount[]> {
  const seen = new Map(SUITES.map((suite) => [suite, { repositories: new Set<string>(), commits: new Set<string>(), tasks: 0 }]));
  const see = (row: Pick<Task, 'repo' | 'split' | 'inRepoSplit'>, commit: string) => {
    const split = seen.get(suiteOf(row.split, row.inRepoSplit))!;
    split.repositories.add(row.repo);
    split.commits.add(`${row.repo}@${commit}`);
    return split;
  };
  for await (const task of tasks) see(task, task.commit).tasks++;
  for await (const commit of commits ?? []) see(commit, commit.id);
  return [...seen].filter(([, { repositories }]) => repositories.size > 0)
    .map(([suite, split]) => ({ suite, repositories: split.repositories.size, commits: split.commits.size, tasks: split.tasks }));
}
