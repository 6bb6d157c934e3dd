import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parquetReadObjects } from 'hyparquet';
import { readTasks, writeTasks } from '../../lib/dist/data/tasks-parquet.js';
import type { Task } from '../../lib/dist/data/types.js';
import { UserError } from '../../lib/dist/store/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'tasks-'));
after(() => rmSync(folder, { recursive: true }));

const tasks = Array.from({ length: 1500 }, (_, i): Task => ({
  id: `demo:tests/a.py:${i}:${i + 3}`, repo: 'demo', split: i % 2 ? 'train' : 'cr_test', inRepoSplit: 'test',
  file: 'tests/a.py', testFunction: 'TestÄ.test_y', family: 'pytest.raises', targetKind: 'call', byteStart: i, byteEnd: i + 3,
  line: i + 1, prefix: `import é\n\n\tassert "é😀" == ${' '.repeat(i % 3)}`, target: `"日本${i}"`,
}));

test('tasks come back as they were, and the same tasks give the same bytes', async () => {
  const [first, second] = [join(folder, 'a.parquet'), join(folder, 'b.parquet')];
  writeTasks(first, tasks);
  writeTasks(second, structuredClone(tasks));
  assert.deepEqual(await readTasks(first), tasks);
  assert.deepEqual(readFileSync(first), readFileSync(second));
  writeTasks(second, []);
  assert.deepEqual(await readTasks(second), []);
});

test('columns are named as in the published table', async () => {
  const path = join(folder, 'a.parquet');
  writeTasks(path, tasks.slice(0, 1));
  const bytes = new Uint8Array(readFileSync(path));
  const [row] = await parquetReadObjects({ file: bytes.buffer });
  assert.deepEqual(Object.keys(row!), ['task_id', 'repo_id', 'cross_repo_split', 'in_repo_split', 'test_file', 'lineno',
    'col_offset', 'test_function', 'assertion_type', 'target_kind', 'byte_start', 'byte_end', 'prefix', 'target']);
  assert.equal(row!['col_offset'], Buffer.byteLength('\tassert "é😀" == '));
});

test('a file that is no table of tasks is named', async () => {
  const path = join(folder, 'bad.parquet');
  writeFileSync(path, 'PAR1 but no more');
  await assert.rejects(readTasks(path), (error: unknown) => error instanceof UserError && error.message.includes(path));
});
