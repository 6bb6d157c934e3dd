/**
 * RepoPeftBench as a folder: `qna/<suite>.parquet` holds the tasks of a suite, `commits/<suite>.parquet` its commits.
 * Both are written and read without ever holding a whole table.
 */
import { openParser } from '../python.js';
import type { Commit, Task } from '../types.js';
import { COMMIT_COLUMNS, TASK_COLUMNS } from './columns.js';
import { toCommit, toTask } from './published.js';
import { type Suite, suiteOf, tablePath } from './suites.js';
import { readTable } from './table-reader.js';
import { TableWriter } from './table-writer.js';

/**
 * Writes tasks and commits to the files of their suites, which appear at `close`, whole. Suites that were given nothing
 * get no file, and keep one that is there. After an error call `abort`.
 */
export class DatasetWriter {
  readonly #tasks = new Map<Suite, TableWriter<Task>>();
  readonly #commits = new Map<Suite, TableWriter<Commit>>();

  constructor(readonly folder: string) {}

  async task(task: Task): Promise<void> {
    const suite = suiteOf(task.split, task.inRepoSplit);
    let table = this.#tasks.get(suite);
    if (!table) this.#tasks.set(suite, table = new TableWriter(tablePath(this.folder, 'qna', suite), TASK_COLUMNS));
    table.add(task);
  }

  async commit(commit: Commit): Promise<void> {
    const suite = suiteOf(commit.split, commit.inRepoSplit);
    let table = this.#commits.get(suite);
    if (!table) this.#commits.set(suite, table = new TableWriter(tablePath(this.folder, 'commits', suite), COMMIT_COLUMNS));
    table.add(commit);
  }

  async close(): Promise<void> {
    const tables = [...this.#tasks.values(), ...this.#commits.values()];
    try {
      for (const table of tables) table.finish();
      for (const table of tables) table.publish();
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  /** Leaves nothing of what was written. */
  abort(): void {
    for (const table of [...this.#tasks.values(), ...this.#commits.values()]) table.abort();
  }
}

/**
 * The tasks of one file, ours or published. Where it does not have them, `line`, `byteStart` and `byteEnd` are -1, and
 * `file`, `commit` and `testFunction` are empty; identity, event, family and kind of target are derived.
 * @throws UserError that names the file and the column, when it is not such a table, or not whole
 */
export async function* readTaskRows(path: string): AsyncGenerator<Task> {
  await openParser();
  let index = 0;
  for (const row of readTable(path, TASK_COLUMNS, ['repo_id', 'prefix', 'target'])) yield toTask(row, path, index++);
}

/**
 * The commits of one file, ours or published. `diff` is empty where the file has no diffs (the published snapshots).
 * @throws UserError that names the file and the column, when it is not such a table, or not whole
 */
export async function* readCommitRows(path: string): AsyncGenerator<Commit> {
  for (const row of readTable(path, COMMIT_COLUMNS, ['repo_id'])) yield toCommit(row, path);
}
