/**
 * The static track of RepoPeftBench (paper §2): the tests of a snapshot become assertion-completion tasks.
 *
 *     files -> assertions -> cuts -> filters -> selection -> prefixes -> splits
 *
 * Every assertion of a test file is a candidate and ends in exactly one place: a task, or one reason in `drops`.
 * So `candidates` = tasks + the sum of `drops`.
 */
import type { Progress } from '../store/progress.js';
import { silent } from '../store/progress.js';
import { Random } from '../store/random.js';
import { type Candidate, candidatesOf, taskFields } from './candidates.js';
import { LeakageGuard, type LeakageOptions } from './leakage.js';
import type { PrefixForm } from './prefix.js';
import { openParser, PythonSource } from './python.js';
import { select, type SelectOptions } from './select.js';
import { inRepoSplits, repoSeed } from './splits.js';
import { testFiles } from './tests-files.js';
import type { Repository, Task } from './types.js';

export interface StaticOptions extends SelectOptions, LeakageOptions {
  /** A repository with fewer tasks (30 in the paper) is left out: they are dropped for `small_repository`. */
  minTasks?: number;
  /**
   * Most test files read of one repository, drawn at random; all when absent. A few large projects have most of a
   * corpus's test files, and their 200 tasks come from a small part of them.
   */
  maxFiles?: number;
  /** Structured when absent. */
  prefix?: PrefixForm;
}

export interface Curated {
  tasks: Task[];
  /** Dropped candidates by reason. */
  drops: Record<string, number>;
  /** All assertions found in the test files that were looked into. */
  candidates: number;
  testFiles: number;
  /** Test files over `maxFiles`, not looked into. */
  unread: number;
  /** Test files that are not UTF-8; nothing in them is a candidate. */
  undecodable: number;
}

/**
 * The tasks of one repository in file order, with all counts. The parser must be open (`await openParser()`).
 * A training repository's tasks are split 80/10/10; those of other repositories are all `test`.
 */
export function curateStatic(repo: Repository, options: StaticOptions): Curated {
  const drops: Record<string, number> = {};
  const drop = (reason: string): void => {
    drops[reason] = (drops[reason] ?? 0) + 1;
  };
  const fit: Candidate[] = [];
  const all = testFiles(repo);
  const files = options.maxFiles === undefined || all.length <= options.maxFiles ? all
    : new Random(repoSeed(options.seed, repo.id, 'files')).shuffle(all).slice(0, options.maxFiles);
  let candidates = 0;
  let undecodable = 0;
  for (const file of files) {
    const source = PythonSource.decode(file.bytes);
    if (!source) {
      undecodable++;
      continue;
    }
    for (const candidate of candidatesOf(file.path, source)) {
      candidates++;
      if ('reason' in candidate) drop(candidate.reason);
      else fit.push(candidate);
    }
  }
  const { kept, dropped } = select(fit, { ...options, seed: repoSeed(options.seed, repo.id, 'select') });
  for (const { reason } of dropped) drop(reason);
  if (kept.length < (options.minTasks ?? 0)) for (const _ of kept.splice(0)) drop('small_repository');
  kept.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.start - b.start || a.end - b.end));
  const splits = inRepoSplits(kept.length, repo.split, repoSeed(options.seed, repo.id, 'split'));
  const tasks = kept.map((candidate, i): Task => {
    const fields = taskFields(candidate, options.prefix ?? 'structured');
    return {
      id: `${repo.id}:${fields.file}:${fields.byteStart}:${fields.byteEnd}`,
      repo: repo.id, commit: repo.commit, commitIndex: 0, event: 'snapshot', split: repo.split, inRepoSplit: splits[i]!,
      ...fields,
    };
  });
  return { tasks, drops, candidates, testFiles: all.length, unread: all.length - files.length, undecodable };
}

/** What the whole corpus gave; `repositories` has the counts of each, in the corpus's order. */
export interface CuratedCorpus {
  tasks: Task[];
  repositories: (Omit<Curated, 'tasks'> & {
    id: string;
    tasks: number;
    /** Files left out of its snapshot, by reason. */
    refused: Partial<Record<string, number>>;
  })[];
}

/** The tasks of a corpus, repository by repository. */
export async function curateCorpus(
  repos: Iterable<Repository> | AsyncIterable<Repository>,
  options: StaticOptions,
  progress: Progress = silent,
): Promise<CuratedCorpus> {
  await openParser();
  const corpus: CuratedCorpus = { tasks: [], repositories: [] };
  const total = Array.isArray(repos) ? repos.length : 0;
  for await (const repo of repos) {
    const curated = curateStatic(repo, options);
    corpus.tasks.push(...curated.tasks);
    corpus.repositories.push({ ...curated, id: repo.id, tasks: curated.tasks.length, refused: repo.refused ?? {} });
    progress({ stage: 'making tasks', done: corpus.repositories.length, total, note: `${corpus.tasks.length} tasks` });
    // Lets a display repaint: the work above never waits for anything.
    await new Promise((resolve) => setImmediate(resolve));
  }
  corpus.tasks = withoutShared(corpus, options);
  return corpus;
}

/** The tasks without those of other repositories whose text a training repository has too; each is counted. */
function withoutShared({ tasks, repositories }: CuratedCorpus, options: LeakageOptions): Task[] {
  const guard = new LeakageGuard(options);
  for (const task of tasks) guard.learn(task);
  return tasks.filter((task) => {
    const reason = guard.fault(task);
    if (!reason) return true;
    const report = repositories.find(({ id }) => id === task.repo)!;
    report.drops[reason] = (report.drops[reason] ?? 0) + 1;
    report.tasks--;
    return false;
  });
}
