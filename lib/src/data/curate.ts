/**
 * Makes a benchmark: the repositories of a source become a folder of parquet tables, with a report of what was kept and
 * of all that was dropped, by reason. Leakage checks run with every build.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import { DatasetWriter } from './dataset/dataset.js';
import { curateHistory, type EvolutionOptions } from './evolution/evolution-track.js';
import { newCounts } from './evolution/replay.js';
import { LeakageGuard } from './leakage.js';
import { openParser } from './python.js';
import { curateStatic, type StaticOptions } from './static-track.js';
import type { CrossRepoSplit, Source, Task } from './types.js';

export interface RepositoryReport {
  id: string;
  split: CrossRepoSplit;
  tasks: number;
  /** Kept commits; 1 for a snapshot with tasks. */
  commits: number;
  /** Commits read; absent in the static track. */
  commitsRead?: number;
  /** The history goes on after the cut-off, and was not read there. */
  cutOff?: true;
  /** Assertions that gave no task, by reason. */
  drops: Record<string, number>;
  /** Files that were not read, by reason. */
  unread: Partial<Record<string, number>>;
}

export interface CurationReport {
  track: 'static' | 'evolution';
  options: Record<string, unknown>;
  repositories: RepositoryReport[];
  unusable: Source['unusable'];
  leakage: {
    /** Tasks of other repositories that repeat a training task's text: dropped, but for synthetic ones. */
    sharedWithTraining: number;
    /** Assertions of validation and test commits that bear an earlier time than training ones: dropped. */
    beforeTraining: number;
    /** Time of the newest commit among all kept, and the cut-off it lies before; out-of-distribution commits aside. */
    newest: string | null;
  };
}

export type Track =
  | { track: 'static'; options: StaticOptions }
  | { track: 'evolution'; options: EvolutionOptions };

/**
 * Writes `qna/`, `commits/` (evolution track) and `curation.json` to `folder`; the same input gives the same bytes.
 * What was there of an earlier build is replaced at the end.
 * @throws UserError when no repository is usable.
 */
export async function curate(source: Source, { track, options }: Track, folder: string): Promise<CurationReport> {
  await openParser();
  mkdirSync(folder, { recursive: true });
  const part = join(folder, '.part');
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part);
  const writer = new DatasetWriter(part);
  const report: CurationReport = {
    track, options: plain(options), repositories: [], unusable: source.unusable,
    leakage: { sharedWithTraining: 0, beforeTraining: 0, newest: null },
  };
  try {
    if (track === 'static') await snapshots(source, options, writer, report);
    else await histories(source, options, writer, report, join(part, 'spool.jsonl'));
    if (report.repositories.length === 0) {
      throw new UserError(`No repository could be used. ${source.unusable.map(({ reason }) => reason).join(' ') || 'The source has none.'}`);
    }
    await writer.close();
    // Without its report a folder counts as not built: so it is, while the tables of two builds could be in it.
    rmSync(join(folder, 'curation.json'), { force: true });
    for (const kind of ['qna', 'commits']) {
      rmSync(join(folder, kind), { recursive: true, force: true });
      if (existsSync(join(part, kind))) renameSync(join(part, kind), join(folder, kind));
    }
    writeFileAtomic(join(folder, 'curation.json'), `${JSON.stringify(report, null, 2)}\n`);
    return report;
  } catch (error) {
    writer.abort();
    throw error;
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

async function snapshots(source: Source, options: StaticOptions, writer: DatasetWriter, report: CurationReport): Promise<void> {
  const guard = new LeakageGuard(options);
  for await (const repo of source.snapshots()) {
    const curated = curateStatic(repo, options);
    const entry: RepositoryReport = { id: repo.id, split: repo.split, tasks: 0, commits: 0, drops: curated.drops, unread: { ...repo.refused } };
    const kept = guarded(curated.tasks, guard, entry, report);
    if (curated.unread) entry.unread['beyond the most test files'] = curated.unread;
    if (curated.undecodable) entry.unread['not UTF-8'] = curated.undecodable;
    for (const task of kept) await writer.task(task);
    entry.tasks = kept.length;
    entry.commits = entry.tasks ? 1 : 0;
    report.repositories.push(entry);
  }
}

async function histories(source: Source, options: EvolutionOptions, writer: DatasetWriter, report: CurationReport, spool: string): Promise<void> {
  const guard = new LeakageGuard(options);
  for await (const history of source.histories()) {
    const counts = newCounts();
    // An out-of-distribution repository begins after the cut-off, so it is read whole.
    const own = history.split === 'ood_test' ? { ...options, cutoff: Number.POSITIVE_INFINITY } : options;
    const entry: RepositoryReport = { id: history.id, split: history.split, tasks: 0, commits: 0, drops: counts.drops, unread: counts.unread };
    try {
      for await (const { commit, tasks } of curateHistory(history, own, spool, counts)) {
        const kept = guarded(tasks, guard, entry, report);
        for (const task of kept) await writer.task(task);
        await writer.commit(commit);
        entry.tasks += kept.length;
        entry.commits++;
        if (history.split !== 'ood_test' && commit.time > (report.leakage.newest ?? '')) report.leakage.newest = commit.time;
      }
    } catch (error) {
      // The history is read whole before its first task is written, so nothing of it is in the tables.
      if (!(error instanceof UserError) || entry.commits > 0) throw error;
      source.unusable.push({ id: history.id, reason: error.message });
      continue;
    }
    entry.commitsRead = counts.commits;
    if (counts.cutOff) entry.cutOff = true;
    if (counts.diffFilesOmitted > 0) entry.unread['no room in the diff'] = counts.diffFilesOmitted;
    report.leakage.beforeTraining += counts.drops['clock_before_training'] ?? 0;
    report.repositories.push(entry);
  }
}

/** The tasks that no training repository has too. */
function guarded(tasks: readonly Task[], guard: LeakageGuard, entry: RepositoryReport, report: CurationReport): Task[] {
  const kept = tasks.filter((task) => {
    guard.learn(task);
    const fault = guard.fault(task);
    if (fault) entry.drops[fault] = (entry.drops[fault] ?? 0) + 1;
    return !fault;
  });
  report.leakage.sharedWithTraining = guard.shared;
  return kept;
}

/** Options as JSON keeps them: times as dates, no Infinity. */
function plain(options: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).map(([key, value]) =>
    [key, key === 'cutoff' && Number.isFinite(value) ? new Date((value as number) * 1000).toISOString() : value === Number.POSITIVE_INFINITY ? 'none' : value]));
}

