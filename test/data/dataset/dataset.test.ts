/** Against pyarrow and duckdb: they read what we write, and we read what pyarrow writes in the published schema. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DatasetWriter, readCommitRows, readTaskRows } from '../../../lib/dist/data/dataset/dataset.js';
import { SUITES, splitsOf, suiteOf } from '../../../lib/dist/data/dataset/suites.js';
import type { Commit, Task } from '../../../lib/dist/data/types.js';
import { UserError } from '../../../lib/dist/store/errors.js';

const python = existsSync('.venv/bin/python') ? '.venv/bin/python' : 'python3';
const folder = mkdtempSync(join(tmpdir(), 'dataset-'));
const published = join(folder, 'published');
before(() => execFileSync(python, ['test/fixtures/dataset/make.py', published]));
after(() => rmSync(folder, { recursive: true }));

function taskOf(i: number, more: Partial<Task> = {}): Task {
  return {
    id: `owner/r@${i}:tests/a.py:${i}:${i + 3}`, repo: 'owner/r', commit: String(i), commitIndex: i % 9, event: i % 2 ? 'added' : 'modified',
    split: 'cr_test', inRepoSplit: 'test', file: 'tests/ä.py', testFunction: 'TestÄ.test_y', family: 'pytest.raises', targetKind: 'call',
    byteStart: i, byteEnd: i + 3, line: i + 1, prefix: `\ufeffimport é\n\n\tassert "é😀\u2028" == ${' '.repeat(i % 3)}`, target: `"日本${i}"`, ...more,
  };
}

function commitOf(i: number, more: Partial<Commit> = {}): Commit {
  return {
    repo: 'owner/r', split: 'train', inRepoSplit: 'train', index: i, id: `c${i}`, time: '2024-05-06T07:08:09Z',
    diff: i % 4 ? `@@ -1 +1 @@\n-é\n+😀 ${i}\n` : '', added: i, modified: 2, ...more,
  };
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const row of rows) out.push(row);
  return out;
}

interface Seen {
  types: Record<string, string>;
  duckdb_types: Record<string, string>;
  row_groups: number;
  pyarrow: Record<string, unknown>[];
  duckdb: Record<string, unknown>[];
}
const see = (path: string) =>
  JSON.parse(execFileSync(python, ['test/fixtures/dataset/read.py', path], { encoding: 'utf8', maxBuffer: 1 << 28 })) as Seen;

test('a suite for every pair of splits, and back', () => {
  for (const suite of SUITES) assert.equal(suiteOf(splitsOf(suite).split, splitsOf(suite).inRepoSplit), suite);
  assert.equal(suiteOf('ood_test', 'val'), 'ood_test');
});

test('pyarrow and duckdb read the tasks we write, in several row groups, with the published types', async () => {
  const tasks = Array.from({ length: 10_500 }, (_, i) => taskOf(i));
  const writer = new DatasetWriter(join(folder, 'tasks'));
  for (const task of tasks) await writer.task(task);
  assert.deepEqual(readdirSync(join(folder, 'tasks/qna')).filter((name) => !name.endsWith('.tmp')), []);
  await writer.close();
  assert.deepEqual(readdirSync(join(folder, 'tasks'), { recursive: true }).sort(), ['qna', 'qna/cr_test.parquet']);
  const path = join(folder, 'tasks/qna/cr_test.parquet');
  const seen = see(path);
  const text = 'string', int = 'int32';
  assert.deepEqual(Object.entries(seen.types), [['repo_id', text], ['commit_sha', text], ['commit_index', int], ['in_repo_split', text],
    ['cross_repo_split', text], ['test_file', text], ['lineno', int], ['col_offset', int], ['test_function', text], ['assertion_type', text],
    ['prefix', text], ['target', text], ['assertion_event_id', text], ['assertion_event', text], ['target_kind', text], ['byte_start', int],
    ['byte_end', int]]);
  assert.ok(seen.row_groups > 1);
  const expected = tasks.map((task) => ({
    repo_id: task.repo, commit_sha: task.commit, commit_index: task.commitIndex, in_repo_split: task.inRepoSplit, cross_repo_split: task.split,
    test_file: task.file, lineno: task.line, col_offset: Buffer.byteLength(task.prefix.split('\n').at(-1)!), test_function: task.testFunction,
    assertion_type: task.family, prefix: task.prefix, target: task.target, assertion_event_id: task.id, assertion_event: task.event,
    target_kind: task.targetKind, byte_start: task.byteStart, byte_end: task.byteEnd,
  }));
  assert.deepEqual(seen.pyarrow, expected);
  assert.deepEqual(seen.duckdb, expected);
  assert.deepEqual(await all(readTaskRows(path)), tasks);
});

test('pyarrow and duckdb read the commits we write: half floats, an empty diff, vectors that are not there', async () => {
  const vector = (i: number) => Float32Array.from({ length: 2048 }, (_, j) => Math.fround(Math.sin(i * 2048 + j) * 2 ** (j % 30 - 20)));
  const commits = Array.from({ length: 200 }, (_, i) => commitOf(i, i % 5 ? { diffEmbedding: vector(i), repoStateEmbedding: vector(-i) } : {}));
  const writer = new DatasetWriter(join(folder, 'commits'));
  for (const commit of commits) await writer.commit(commit);
  await writer.close();
  const path = join(folder, 'commits/commits/train.parquet');
  const seen = see(path);
  const halves = 'list<element: halffloat>';
  assert.deepEqual(seen.types, { repo_id: 'string', cross_repo_split: 'string', commit_index: 'int32', commit_sha: 'string',
    commit_timestamp: 'string', in_repo_split: 'string', production_code_diff: 'string', n_new_assertions: 'int32', n_added_assertions: 'int32',
    n_modified_assertions: 'int32', diff_embedding: halves, repo_state_embedding: halves });
  assert.ok(seen.row_groups > 1);
  const read = await all(readCommitRows(path));
  for (const [i, commit] of commits.entries()) {
    const { diffEmbedding, repoStateEmbedding, ...rest } = read[i]!;
    const { diffEmbedding: wanted, repoStateEmbedding: _, ...expected } = commit;
    assert.deepEqual(rest, expected);
    for (const other of [seen.pyarrow[i]!, seen.duckdb[i]!]) {
      assert.deepEqual(other['diff_embedding'], diffEmbedding ? [...diffEmbedding] : null);
      assert.deepEqual(other['repo_state_embedding'], repoStateEmbedding ? [...repoStateEmbedding] : null);
      assert.deepEqual([other['production_code_diff'], other['n_new_assertions'], other['commit_index']], [commit.diff, i + 2, i]);
    }
    assert.equal(diffEmbedding?.length, wanted?.length);
    // A half has 11 significant bits, and steps of 2^-24 near zero.
    diffEmbedding?.forEach((x, j) => assert.ok(Math.abs(x - wanted![j]!) <= Math.max(2 ** -25, Math.abs(wanted![j]!) * 2 ** -11)));
  }
});

test('every row goes to its suite, and the same rows give the same bytes', async () => {
  const write = async (name: string) => {
    const writer = new DatasetWriter(join(folder, name));
    for (let i = 0; i < 400; i++) {
      const splits = splitsOf(SUITES[i % 5]!);
      await writer.task(taskOf(i, splits));
      await writer.commit(commitOf(i, { ...splits, diffEmbedding: Float32Array.of(i, 0.5) }));
    }
    await writer.close();
    return readdirSync(join(folder, name), { recursive: true }).map(String).filter((file) => file.endsWith('.parquet')).sort();
  };
  const files = await write('first');
  assert.deepEqual(await write('second'), files);
  assert.deepEqual(files, ['commits', 'qna'].flatMap((kind) => SUITES.slice(0, 5).map((suite) => `${kind}/${suite}.parquet`)).sort());
  for (const file of files) assert.deepEqual(readFileSync(join(folder, 'first', file)), readFileSync(join(folder, 'second', file)));
  const rows = await all(readTaskRows(join(folder, 'first/qna/ir_val.parquet')));
  assert.deepEqual(rows.map(({ byteStart }) => byteStart), Array.from({ length: 80 }, (_, i) => 5 * i + 1));
  assert.ok(rows.every(({ split, inRepoSplit }) => split === 'train' && inRepoSplit === 'val'));
});

test('an aborted writer leaves nothing, and what was there before', async () => {
  const target = join(folder, 'aborted');
  const first = new DatasetWriter(target);
  await first.task(taskOf(1));
  await first.close();
  const before = readFileSync(join(target, 'qna/cr_test.parquet'));
  const second = new DatasetWriter(target);
  for (let i = 0; i < 6000; i++) await second.task(taskOf(i));
  await second.commit(commitOf(1));
  second.abort();
  assert.deepEqual(readdirSync(target, { recursive: true }).sort(), ['commits', 'qna', 'qna/cr_test.parquet']);
  assert.deepEqual(readFileSync(join(target, 'qna/cr_test.parquet')), before);
});

test('published tasks of every age are read: snappy, gzip and plain, dictionaries, pages of both versions, long integers', async () => {
  const read = (name: string) => all(readTaskRows(join(published, `qna/${name}.parquet`)));
  const [full, older, snapshot] = [await read('cr_test'), await read('ood_test'), await read('train')];
  const { pyarrow } = see(join(published, 'qna/cr_test.parquet'));
  assert.equal(full.length, 300);
  full.forEach((task, i) => {
    const row = pyarrow[i]!;
    assert.deepEqual(
      [task.repo, task.commit, task.commitIndex, task.inRepoSplit, task.split, task.file, task.line, task.prefix, task.target, task.id, task.event],
      ['repo_id', 'commit_sha', 'commit_index', 'in_repo_split', 'cross_repo_split', 'test_file', 'lineno', 'prefix', 'target',
        'assertion_event_id', 'assertion_event'].map((column) => row[column]));
    assert.equal(task.testFunction, row['test_function'] ?? '');
  });
  // The fourth name is unknown: the line before the target says that it is an assert.
  assert.deepEqual(full.slice(0, 4).map(({ family }) => family), ['assert', 'unittest', 'pytest.raises', 'assert']);
  assert.deepEqual(full.slice(0, 8).map(({ targetKind }) => targetKind),
    ['bool', 'string', 'variable', 'call', 'collection', 'variable', 'numeric', 'complex']);
  assert.deepEqual([full[0]!.byteStart, full[0]!.byteEnd], [-1, -1]);

  assert.deepEqual(older.map(({ prefix, line, target }) => [prefix, line, target]), full.map(({ prefix, line, target }) => [prefix, line, target]));
  assert.equal(older[7]!.id, `owner/r0@${'0'.repeat(40)}:tests/test_2.py:11:${pyarrow[7]!['col_offset'] as number}`);
  assert.ok(older.every(({ event }) => event === 'added'));
  for (const tasks of [older, snapshot]) assert.equal(new Set(tasks.map(({ id }) => id)).size, 300);
  assert.ok(snapshot.every((task) => task.event === 'snapshot' && task.line === -1 && task.split === 'train' && task.inRepoSplit === 'train'));
});

test('every compression that pyarrow writes is read', async () => {
  const plain = await all(readTaskRows(join(published, 'qna/cr_test.parquet')));
  for (const codec of ['zstd', 'brotli', 'lz4', 'gzip', 'snappy']) assert.deepEqual(await all(readTaskRows(join(published, `qna/${codec}.parquet`))), plain, codec);
});

test('published commits are read, with half floats across pages and without what snapshots lack', async () => {
  for (const [name, columns] of [['train', 12], ['ir_val', 8]] as const) {
    const path = join(published, `commits/${name}.parquet`);
    const { pyarrow } = see(path);
    assert.equal(Object.keys(pyarrow[0]!).length, columns);
    const commits = await all(readCommitRows(path));
    assert.equal(commits.length, 300);
    commits.forEach((commit, i) => {
      const row = pyarrow[i]!;
      assert.deepEqual([commit.repo, commit.split, commit.inRepoSplit, commit.index, commit.id, commit.time, commit.diff, commit.added + commit.modified],
        [...['repo_id', 'cross_repo_split', 'in_repo_split', 'commit_index', 'commit_sha', 'commit_timestamp'].map((column) => row[column]),
          row['production_code_diff'] ?? '', row['n_new_assertions']]);
      for (const [vector, column] of [[commit.diffEmbedding, 'diff_embedding'], [commit.repoStateEmbedding, 'repo_state_embedding']] as const) {
        assert.ok(vector === undefined || vector instanceof Float32Array);
        assert.deepEqual(vector ? [...vector] : null, row[column] ?? null);
      }
    });
  }
});

test('a table that cannot be read is named in one line, with the column', async () => {
  const whole = readFileSync(join(published, 'qna/cr_test.parquet'));
  const put = (name: string, bytes: Uint8Array) => writeFileSync(join(published, `qna/${name}.parquet`), bytes);
  put('half', whole.subarray(0, whole.length / 2));
  put('empty', new Uint8Array());
  put('text', Buffer.from('This is a text file and no table.'));
  // The footer of a longer file: its columns lie behind the end of this one.
  put('cut', whole.subarray(whole.length - whole.readUInt32LE(whole.length - 8) - 8));
  put('rotten', Uint8Array.from(whole, (byte, i) => (i > 100 && i < 3000 ? 255 - byte : byte)));
  for (const [name, says] of [
    ['half', /not a whole parquet file/], ['empty', /not a whole parquet file/], ['text', /not a whole parquet file/],
    ['cut', /not a whole parquet file/], ['rotten', /not a whole parquet file/], ['cr_val', /no column target/], ['nulls', /empty value in column target/],
    ['type', /another type in column prefix/], ['split', /cross_repo_split holds "elsewhere"/],
  ] as const) {
    const path = join(published, `qna/${name}.parquet`);
    await assert.rejects(all(readTaskRows(path)), (error: unknown) => {
      assert.ok(error instanceof UserError, `${name}: ${(error as Error).stack}`);
      assert.match(error.message, says);
      assert.ok(error.message.includes(path) && !error.message.includes('\n'));
      return true;
    });
  }
});

test('memory does not grow with the table: 200,000 rows of 1 KB with a heap of 64 MB', () => {
  const program = fileURLToPath(new URL('large-table.js', import.meta.url));
  const grown = Number(execFileSync(process.execPath, ['--max-old-space-size=64', program, join(folder, 'large')], { encoding: 'utf8' }));
  assert.ok(grown > 0 && grown < 150e6, `grew by ${Math.round(grown / 1e6)} MB`);
});
