/**
 * Tasks as a parquet table. Columns are named as in the published dataset's question table where it has them; the
 * same tasks give the same bytes.
 */
import { readFileSync } from 'node:fs';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { type BasicType, parquetWriteBuffer } from 'hyparquet-writer';
import { writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import type { Task } from './types.js';

type Field = keyof Task;

const COLUMNS: { name: string; field: Field; type: BasicType }[] = [
  { name: 'task_id', field: 'id', type: 'STRING' },
  { name: 'repo_id', field: 'repo', type: 'STRING' },
  { name: 'cross_repo_split', field: 'split', type: 'STRING' },
  { name: 'in_repo_split', field: 'inRepoSplit', type: 'STRING' },
  { name: 'test_file', field: 'file', type: 'STRING' },
  { name: 'lineno', field: 'line', type: 'INT32' },
  { name: 'test_function', field: 'testFunction', type: 'STRING' },
  { name: 'assertion_type', field: 'family', type: 'STRING' },
  { name: 'target_kind', field: 'targetKind', type: 'STRING' },
  { name: 'byte_start', field: 'byteStart', type: 'INT32' },
  { name: 'byte_end', field: 'byteEnd', type: 'INT32' },
  { name: 'prefix', field: 'prefix', type: 'STRING' },
  { name: 'target', field: 'target', type: 'STRING' },
];

/** Writes `tasks` in their order; the file is whole or absent. `col_offset` counts UTF-8 bytes, as Python's ast does. */
export function writeTasks(path: string, tasks: readonly Task[]): void {
  const columnData = COLUMNS.map(({ name, field, type }) => ({
    name, type, nullable: false, data: tasks.map((task) => task[field]),
  }));
  const columns = tasks.map(({ prefix }) => Buffer.byteLength(prefix.slice(prefix.lastIndexOf('\n') + 1)));
  columnData.splice(6, 0, { name: 'col_offset', type: 'INT32', nullable: false, data: columns });
  writeFileAtomic(path, new Uint8Array(parquetWriteBuffer({ columnData })));
}

/** Reads what `writeTasks` wrote. Throws a UserError when the file is not such a table. */
export async function readTasks(path: string): Promise<Task[]> {
  const bytes = new Uint8Array(readFileSync(path));
  let rows: Record<string, unknown>[];
  try {
    const columns = new Set(parquetMetadata(bytes.buffer).schema.map((element) => element.name));
    const missing = COLUMNS.filter(({ name }) => !columns.has(name)).map(({ name }) => name);
    if (missing.length) throw new Error(`no column ${missing.join(', ')}`);
    rows = await parquetReadObjects({ file: bytes.buffer });
  } catch (error) {
    throw new UserError(`${path} is not a table of tasks (${(error as Error).message}): delete it and make it again.`);
  }
  return rows.map((row) => Object.fromEntries(COLUMNS.map(({ name, field }) => [field, row[name]])) as unknown as Task);
}
