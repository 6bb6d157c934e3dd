import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { checkTask } from './check-task.js';
import { flatten, openParser } from '../../lib/dist/data/python.js';
import { curateCorpus, curateStatic } from '../../lib/dist/data/static-track.js';
import type { Repository, Task } from '../../lib/dist/data/types.js';

const FIXTURES = 'test/fixtures/assertions';
const OPTIONS = { seed: 3407, maxTasks: 200 };

before(openParser);

function repository(files: Record<string, string | Uint8Array>, more: Partial<Repository> = {}): Repository {
  return {
    id: 'demo', commit: '1.0', licence: 'MIT', split: 'train', ...more,
    files: Object.entries(files).map(([path, content]) => ({ path, bytes: Buffer.from(content as string) })),
  };
}

function fixtures(): Repository {
  return repository(Object.fromEntries(readdirSync(FIXTURES).filter((name) => name.endsWith('.py'))
    .map((name) => [`tests/${name}`, readFileSync(join(FIXTURES, name))])));
}

function tasksOf(text: string): Task[] {
  return curateStatic(repository({ 'test_it.py': text }), OPTIONS).tasks;
}

const sum = (drops: Record<string, number>): number => Object.values(drops).reduce((a, b) => a + b, 0);

test('every task is true to the bytes of its file, and every candidate is counted once', () => {
  const repo = fixtures();
  const { tasks, drops, candidates, undecodable } = curateStatic(repo, OPTIONS);
  assert.ok(tasks.length > 100);
  assert.equal(candidates, tasks.length + sum(drops));
  assert.equal(undecodable, 1);
  const files = new Map(repo.files.map(({ path, bytes }) => [path, bytes]));
  for (const task of tasks) assert.equal(checkTask(task, files.get(task.file)!), null, task.id);
  assert.equal(new Set(tasks.map(({ id }) => id)).size, tasks.length);
  for (const name of ['crlf', 'cr', 'bom', 'bom_first_line', 'form_feed', 'separators', 'unicode', 'layout']) {
    assert.ok(tasks.some(({ file }) => file === `tests/${name}.py`), `${name}.py gives tasks`);
  }
  for (const { prefix, target } of tasks) assert.ok(!prefix.includes('\r') && !/[\r\n]/.test(target));
});

test('of many test files a random part can be read; the rest is counted', () => {
  const repo = repository(Object.fromEntries(Array.from({ length: 9 }, (_, i) =>
    [`test_${i}.py`, `def test_x():\n    assert x == ${i}\n`])));
  const { tasks, testFiles, unread } = curateStatic(repo, { ...OPTIONS, maxFiles: 4 });
  assert.deepEqual([tasks.length, testFiles, unread], [4, 9, 5]);
  const other = curateStatic(repo, { ...OPTIONS, maxFiles: 4, seed: 1 }).tasks;
  assert.notDeepEqual(other.map(({ file }) => file), tasks.map(({ file }) => file));
});

test('the check finds what is wrong', () => {
  const text = 'import a\n\ndef test_x():\n    y = 1\n\n    assert y == 2\n';
  const [task] = tasksOf(text);
  const bytes = Buffer.from(text);
  assert.ok(task);
  assert.equal(checkTask(task, bytes), null);
  for (const wrong of [
    { byteStart: task.byteStart + 1 }, { line: 5 }, { target: '3' }, { prefix: `${task.prefix} ` },
    { prefix: task.prefix.replace('    y = 1\n', '') }, { prefix: `import b\n${task.prefix}` },
    { prefix: task.prefix.replace('import a', 'import a\nimport a') },
  ]) assert.notEqual(checkTask({ ...task, ...wrong }, bytes), null, JSON.stringify(wrong));
});

test('the prefix shows context, one blank line at a gap only, and ends where the target starts', () => {
  const [task] = tasksOf(`"""Docstring."""
import a
from b import (
    c,
)
LIMIT: int = 1
if LIMIT:
    import d

def helper():
    return 1
def test_other():
    pass
@fixture
def test_data():
    return 2


class TestIt(
    Base,
):
    """Docstring."""
    size = 1
    def setUp(self):
        self.x = 1
    def test_before(self):
        pass

    @decorated
    def test_it(self):
        # a comment

        self.assertEqual(self.x,
                         # why
                         1)

    def tearDown(self):
        pass

def late():
    pass
`);
  assert.equal(task?.prefix, `import a
from b import (
    c,
)
LIMIT: int = 1

def helper():
    return 1

@fixture
def test_data():
    return 2

class TestIt(
    Base,
):

    size = 1
    def setUp(self):
        self.x = 1

    @decorated
    def test_it(self):
        # a comment

        self.assertEqual(self.x,
                         # why
                         `);
  assert.equal(task?.target, '1)');
  assert.equal(task?.testFunction, 'TestIt.test_it');
  assert.equal(task?.line, 35);
});

test('a long test keeps the last 600 lines', () => {
  const body = Array.from({ length: 700 }, (_, i) => `    x = ${i}\n`).join('');
  const text = `def test_long():\n${body}    assert x == 3\n`;
  const [task] = tasksOf(text);
  assert.equal(task?.prefix.split('\n').length, 600);
  assert.ok(task?.prefix.startsWith('    x = 101\n'));
  assert.equal(checkTask(task!, Buffer.from(text)), null);
  const { drops } = curateStatic(repository({ 'test_it.py': `def test_x():\n    f(\n${'1,\n'.repeat(700)}pytest.approx(1))\n` }), OPTIONS);
  assert.deepEqual(drops, { statement_too_long: 1 });
});

test('targets on several lines become one line; a comment in them would swallow the rest', () => {
  assert.equal(flatten('[\n    1,\r\n\t2 \\\n  + 3]'), '[ 1, 2 + 3]');
  const tasks = tasksOf('def test_x():\n    assert a == [\n        1,\n    ]\n    assert a == [\n        1, # one\n    ]\n');
  assert.deepEqual(tasks.map(({ target, targetKind }) => [target, targetKind]), [['[ 1, ]', 'collection']]);
});

test('a syntax error costs the tests it is in', () => {
  const { tasks, drops } = curateStatic(repository({ 'tests/broken.py': readFileSync(join(FIXTURES, 'broken.py')) }), OPTIONS);
  assert.deepEqual(tasks.map(({ target }) => target), ['4']);
  assert.deepEqual(drops, { syntax_error: 1 });
});

test('a corpus leaves out small repositories and counts their tasks', async () => {
  const text = (count: number, name: string): string =>
    `def test_x():\n${Array.from({ length: count }, (_, i) => `    assert ${name} == ${i}\n`).join('')}`;
  const files = (count: number, name = 'x'): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`test_${i}.py`, text(5, name)]));
  const repos = [
    repository(files(10), { id: 'big' }), repository(files(2), { id: 'small' }),
    repository(files(8, 'y'), { id: 'held', split: 'cr_test' }), repository(files(8), { id: 'copy', split: 'cr_test' }),
  ];
  const updates: number[] = [];
  const corpus = await curateCorpus(repos, { ...OPTIONS, minTasks: 30 }, ({ done, total }) => updates.push(done / total));
  assert.deepEqual(corpus.repositories.map(({ id, tasks, drops }) => [id, tasks, drops]),
    [['big', 50, {}], ['small', 0, { small_repository: 10 }], ['held', 40, {}], ['copy', 0, { shared_with_training: 40 }]]);
  assert.deepEqual(updates, [1 / 4, 2 / 4, 3 / 4, 1]);
  const count = (id: string, split: string): number =>
    corpus.tasks.filter((task) => task.repo === id && task.inRepoSplit === split).length;
  assert.deepEqual(['train', 'val', 'test'].map((split) => count('big', split)), [40, 5, 5]);
  assert.equal(count('held', 'test'), 40);
  const alone = curateStatic(repos[0]!, OPTIONS).tasks;
  assert.deepEqual(alone, corpus.tasks.filter(({ repo }) => repo === 'big'), 'independent of the other repositories');
});
