/**
 * From rows to tasks and commits. Published tables do not have all columns (a snapshot's training tasks have no
 * position, older tables no event): what they do not say is derived from what they do.
 */
import { basename } from 'node:path';
import { UserError } from '../../store/errors.js';
import { callArguments } from '../assertions/family.js';
import { targetKind } from '../assertions/target-kind.js';
import { parsePython, PythonSource } from '../python.js';
import { type AssertionFamily, type Commit, type CrossRepoSplit, type InRepoSplit, SPLITS, type TargetKind, type Task } from '../types.js';
import { splitsOf, SUITES } from './suites.js';
import type { Row } from './table-reader.js';

/** What a number is when the file does not have it: no position, line or column is negative. */
const UNKNOWN = -1;

/**
 * @param path the file, whose name is its suite
 * @param index the row's position in it: what tells apart two tasks of one test file that have no position
 */
export function toTask(row: Row, path: string, index: number): Task {
  const text = (column: string) => (row[column] as string | undefined) ?? '';
  const number = (column: string) => (row[column] as number | undefined) ?? UNKNOWN;
  const repo = text('repo_id'), commit = text('commit_sha'), file = text('test_file');
  const prefix = text('prefix'), target = text('target');
  const line = number('lineno'), column = number('col_offset');
  const place = line === UNKNOWN || column === UNKNOWN ? `row ${index}` : `${line}:${column}`;
  const event = text('assertion_event');
  return {
    id: text('assertion_event_id') || `${repo}@${commit}:${file}:${place}`,
    repo,
    commit,
    commitIndex: Math.max(0, number('commit_index')),
    // Only the snapshot's training tasks are published without a line; every other task is one that its commit brought.
    event: event === 'snapshot' || event === 'added' || event === 'modified' ? event : line === UNKNOWN ? 'snapshot' : 'added',
    ...splits(row, path),
    file,
    testFunction: text('test_function'),
    family: familyIn(text('assertion_type')) ?? familyIn(prefix.slice(prefix.lastIndexOf('\n') + 1)) ?? 'numpy',
    targetKind: KINDS.find((kind) => kind === row['target_kind']) ?? kindOf(target),
    byteStart: number('byte_start'),
    byteEnd: number('byte_end'),
    line,
    prefix,
    target,
  };
}

/** @param path the file, whose name is its suite */
export function toCommit(row: Row, path: string): Commit {
  const text = (column: string) => (row[column] as string | undefined) ?? '';
  const number = (column: string) => (row[column] as number | undefined) ?? 0;
  const diffEmbedding = row['diff_embedding'] as Float32Array | undefined;
  const repoStateEmbedding = row['repo_state_embedding'] as Float32Array | undefined;
  const modified = number('n_modified_assertions');
  return {
    repo: text('repo_id'),
    ...splits(row, path),
    index: number('commit_index'),
    id: text('commit_sha'),
    time: text('commit_timestamp'),
    diff: text('production_code_diff'),
    added: (row['n_added_assertions'] as number | undefined) ?? Math.max(0, number('n_new_assertions') - modified),
    modified,
    ...(diffEmbedding && { diffEmbedding }),
    ...(repoStateEmbedding && { repoStateEmbedding }),
  };
}

const KINDS: readonly TargetKind[] = ['bool', 'none', 'string', 'numeric', 'collection', 'call', 'variable', 'complex'];
const IN_REPO: readonly InRepoSplit[] = ['train', 'val', 'test'];

/** A row's own splits, or those of the file it is in. */
function splits(row: Row, path: string): { split: CrossRepoSplit; inRepoSplit: InRepoSplit } {
  const suite = SUITES.find((name) => `${name}.parquet` === basename(path));
  const value = <T extends string>(column: string, known: readonly T[], ofFile: T | undefined): T => {
    const stored = row[column];
    const split = stored === undefined ? ofFile : known.find((name) => name === stored);
    if (split) return split;
    throw new UserError(`${path}: column ${column} ${stored === undefined ? 'is missing, and the file is not named for a suite' : `holds ${JSON.stringify(stored)}`}`
      + ` (known are ${known.join(', ')}): fetch or make it again.`);
  };
  const ofFile = suite && splitsOf(suite);
  return { split: value('cross_repo_split', SPLITS, ofFile?.split), inRepoSplit: value('in_repo_split', IN_REPO, ofFile?.inRepoSplit) };
}

/** In this order: an assert may compare with pytest.approx, and numpy has an assert_raises. */
const FAMILIES: readonly [RegExp, AssertionFamily][] = [
  [/approx/, 'pytest.approx'], [/assert[A-Z]|unittest/, 'unittest'], [/assert_[a-z]|numpy/, 'numpy'],
  [/raises/, 'pytest.raises'], [/assert/, 'assert'],
];

/** The family that a published name (`self.assertEqual`, `bare_assert`) or the line before a target speaks of. */
function familyIn(text: string): AssertionFamily | undefined {
  return FAMILIES.find(([pattern]) => pattern.test(text))?.[1];
}

/** The kind of a target without its file: targets of calls bring the closing parenthesis, those of bare asserts do not. */
function kindOf(target: string): TargetKind {
  for (const text of [`f(${target})`, `f(${target}`]) {
    const tree = parsePython(PythonSource.decode(Buffer.from(text))!);
    try {
      const call = tree.rootNode.firstNamedChild?.firstNamedChild;
      if (tree.rootNode.hasError || call?.type !== 'call') continue;
      const [first] = callArguments(call, 'f').positional;
      return first ? targetKind(first) : 'complex';
    } finally {
      tree.delete();
    }
  }
  return 'complex';
}
