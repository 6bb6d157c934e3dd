import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readTasks, writeTasks } from '../../lib/dist/data/tasks-parquet.js';
import type { Task } from '../../lib/dist/data/types.js';
import { UserError } from '../../lib/dist/store/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'tasks-'));
after(() => rmSync(folder, { recursive: true }));

const tasks = Array.from({ length: 1500 }, (_, i): Task => ({
  id: `demo:tests/a.py:${i}:${i + 3}`, repo: 'demo', commit: '1.0', commitIndex: 0, event: 'snapshot', split: i % 2 ? 'train' : 'cr_test', inRepoSplit: 'test',
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

test('a file that is no table of tasks is named', async () => {
  const path = join(folder, 'bad.parquet');
  writeFileSync(path, 'PAR1 but no more');
  await assert.rejects(readTasks(path), (error: unknown) => error instanceof UserError && error.message.includes(path));
});
