/**
 * The columns of the dataset's two tables, named and typed as published (target_kind, byte_start and byte_end are ours),
 * and what a task or commit writes in each.
 */
import type { SchemaElement } from 'hyparquet';
import type { Commit, Task } from '../types.js';

/** `halves` is a list of 16-bit floats: a vector of an encoder. */
export type ColumnType = 'string' | 'int32' | 'halves';

export interface Column<T> {
  name: string;
  type: ColumnType;
  /** Undefined is written as null. */
  of(item: T): string | number | Float32Array | undefined;
}

export const TASK_COLUMNS: readonly Column<Task>[] = [
  { name: 'repo_id', type: 'string', of: (task) => task.repo },
  { name: 'commit_sha', type: 'string', of: (task) => task.commit },
  { name: 'commit_index', type: 'int32', of: (task) => task.commitIndex },
  { name: 'in_repo_split', type: 'string', of: (task) => task.inRepoSplit },
  { name: 'cross_repo_split', type: 'string', of: (task) => task.split },
  { name: 'test_file', type: 'string', of: (task) => task.file },
  { name: 'lineno', type: 'int32', of: (task) => task.line },
  // UTF-8 bytes before the target on its line, as Python's ast counts them.
  { name: 'col_offset', type: 'int32', of: ({ prefix }) => Buffer.byteLength(prefix.slice(prefix.lastIndexOf('\n') + 1)) },
  { name: 'test_function', type: 'string', of: (task) => task.testFunction },
  { name: 'assertion_type', type: 'string', of: (task) => task.family },
  { name: 'prefix', type: 'string', of: (task) => task.prefix },
  { name: 'target', type: 'string', of: (task) => task.target },
  { name: 'assertion_event_id', type: 'string', of: (task) => task.id },
  { name: 'assertion_event', type: 'string', of: (task) => task.event },
  { name: 'target_kind', type: 'string', of: (task) => task.targetKind },
  { name: 'byte_start', type: 'int32', of: (task) => task.byteStart },
  { name: 'byte_end', type: 'int32', of: (task) => task.byteEnd },
];

export const COMMIT_COLUMNS: readonly Column<Commit>[] = [
  { name: 'repo_id', type: 'string', of: (commit) => commit.repo },
  { name: 'cross_repo_split', type: 'string', of: (commit) => commit.split },
  { name: 'commit_index', type: 'int32', of: (commit) => commit.index },
  { name: 'commit_sha', type: 'string', of: (commit) => commit.id },
  { name: 'commit_timestamp', type: 'string', of: (commit) => commit.time },
  { name: 'in_repo_split', type: 'string', of: (commit) => commit.inRepoSplit },
  { name: 'production_code_diff', type: 'string', of: (commit) => commit.diff },
  { name: 'n_new_assertions', type: 'int32', of: (commit) => commit.added + commit.modified },
  { name: 'n_added_assertions', type: 'int32', of: (commit) => commit.added },
  { name: 'n_modified_assertions', type: 'int32', of: (commit) => commit.modified },
  { name: 'diff_embedding', type: 'halves', of: (commit) => commit.diffEmbedding },
  { name: 'repo_state_embedding', type: 'halves', of: (commit) => commit.repoStateEmbedding },
];

/**
 * The parquet schema of a table. All columns may hold nulls, as in files that pyarrow writes.
 * @param named false while values are encoded: the encoder then takes half floats as the two bytes that they are
 */
export function schemaOf(columns: readonly { name: string; type: ColumnType }[], named = true): SchemaElement[] {
  return [{ name: 'schema', num_children: columns.length }, ...columns.flatMap(({ name, type }): SchemaElement[] => {
    if (type === 'int32') return [{ name, type: 'INT32', repetition_type: 'OPTIONAL' }];
    if (type === 'string') return [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }];
    return [
      { name, converted_type: 'LIST', repetition_type: 'OPTIONAL', num_children: 1 },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2, repetition_type: 'OPTIONAL', ...(named && { logical_type: { type: 'FLOAT16' } }) },
    ];
  })];
}
