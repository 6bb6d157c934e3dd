/** What is tested may not be in training: shared tests are dropped and counted, test files are not embedded. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { curate, type Track } from '../../lib/dist/data/curate.js';
import { readCommitRows, readTaskRows } from '../../lib/dist/data/dataset/dataset.js';
import { SUITES, type Suite, tablePath } from '../../lib/dist/data/dataset/suites.js';
import { LeakageGuard, refuseAsked, repeatedInRepository } from '../../lib/dist/data/leakage.js';
import { gitSource, type GitPin } from '../../lib/dist/data/sources/git.js';
import { sourceFiles, testFiles } from '../../lib/dist/data/tests-files.js';
import type { Commit, CrossRepoSplit, Task } from '../../lib/dist/data/types.js';
import { silent } from '../../lib/dist/store/progress.js';
import { collect, FIRST, git, HOUR, makeRepository, type TestCommit } from './git-repositories.js';

const folder = mkdtempSync(join(tmpdir(), 'leakage-'));
after(() => rmSync(folder, { recursive: true }));

const CUTOFF = Date.UTC(2025, 3, 1) / 1000;
const EVOLUTION: Track = { track: 'evolution', options: { identity: 'assertion', cutoff: CUTOFF, prefix: 'full-file', perCommit: 8, perFile: 4 } };
const STATIC: Track = { track: 'static', options: { seed: 1, maxTasks: 200, minTasks: 1, prefix: 'structured' } };

const SHARED = "def test_shared():\n    answer = total(3)\n    assert answer == 'the same'\n";
const SHARED_ELSEWHERE = "import other\n\n\nclass TestX:\n  def test_shared():\n      answer  =  total(3)\n      assert answer == 'the same'\n";
const own = (name: string, n: number): string => `def test_${n}():\n    assert ${name}.value(${n}) == '${name} ${n}'\n`;

function pin(id: string, split: CrossRepoSplit, commits: readonly TestCommit[]): GitPin {
  const path = join(folder, `${id}.git`);
  makeRepository(path, commits);
  return { id: `o/${id}`, path, licence: 'MIT', split };
}

const commitsOf = (name: string, first: string, start = FIRST): TestCommit[] => Array.from({ length: 10 }, (_, i) => ({
  time: start + i * HOUR,
  files: { 'tests/test_it.py': i === 0 ? first : `${first}${Array.from({ length: i }, (_, n) => own(name, n)).join('')}`, 'src/it.py': `it = ${i}\n` },
}));

// The test repository comes first in the list: the order in which they are read is the source's affair.
const pins = [
  pin('held', 'cr_test', commitsOf('held', SHARED_ELSEWHERE)),
  pin('late', 'ood_test', commitsOf('late', own('late', 99), CUTOFF)),
  pin('early', 'ood_test', commitsOf('early', own('early', 99), CUTOFF - 5 * HOUR)),
  pin('valid', 'cr_val', commitsOf('valid', own('valid', 99), CUTOFF - 5 * HOUR)),
  pin('train', 'train', commitsOf('train', SHARED)),
];

async function build(track: Track, out: string) {
  const source = gitSource(pins, { cacheDir: join(folder, 'cache'), cutoff: CUTOFF }, silent);
  const report = await curate(source, track, out);
  const rows = async <T>(kind: 'qna' | 'commits', read: (path: string) => AsyncGenerator<T>) =>
    Object.fromEntries(await Promise.all(SUITES.map(async (suite) => [suite, await collect(read(tablePath(out, kind, suite))).catch(() => [])] as const))) as Record<Suite, T[]>;
  return { report, tasks: await rows<Task>('qna', readTaskRows), commits: await rows<Commit>('commits', readCommitRows) };
}

for (const track of [EVOLUTION, STATIC]) {
  test(`${track.track}: a test that training has too is dropped from the test part, and counted`, async () => {
    const { report, tasks } = await build(track, join(folder, track.track));
    assert.equal(report.leakage.sharedWithTraining, 1);
    assert.deepEqual(report.repositories.map(({ id, drops }) => [id, drops['shared_with_training'] ?? 0]),
      [['o/train', 0], ['o/valid', 0], ['o/held', 1], ['o/late', 0]]);
    assert.ok(Object.values(tasks).flat().some(({ split, testFunction }) => split === 'train' && testFunction === 'test_shared'));
    assert.ok(tasks.cr_test.length > 4 && !tasks.cr_test.some(({ testFunction }) => testFunction.endsWith('test_shared')));
    assert.deepEqual(report.unusable.map(({ id }) => id), ['o/early']);
    assert.match(report.unusable[0]!.reason, /^o\/early began on 2025-03-31, before the cut-off: it cannot be in the out-of-distribution set\.$/);
  });
}

test('no commit of the whole dataset is of the cut-off or later, but of repositories that began after it', async () => {
  const { report, tasks, commits } = await build(EVOLUTION, join(folder, 'evolution'));
  const before = Object.entries(commits).filter(([suite]) => suite !== 'ood_test').flatMap(([, rows]) => rows);
  assert.ok(before.length >= 20 && before.every(({ time }) => time < '2025-04-01T00:00:00Z'));
  assert.equal(report.leakage.newest, before.map(({ time }) => time).sort().at(-1));
  assert.equal(commits.cr_val.length, 5);
  assert.ok(commits.ood_test.length === 10 && commits.ood_test.every(({ time }) => time >= '2025-04-01T00:00:00Z'));
  // What the tables say of a commit is what git says of it, and each task belongs to a commit of its table.
  for (const [suite, rows] of Object.entries(commits)) {
    for (const { repo, id, time } of rows) {
      const { path } = pins.find((other) => other.id === repo)!;
      assert.equal(Date.parse(time) / 1000, Number(git(path!, ['log', '-1', '--format=%ct', id]).toString()));
    }
    const ids = new Set(rows.map(({ repo, id }) => `${repo} ${id}`));
    assert.ok(tasks[suite as Suite].every(({ repo, commit }) => ids.has(`${repo} ${commit}`)));
  }
  assert.deepEqual(JSON.parse(readFileSync(join(folder, 'evolution/curation.json'), 'utf8')), JSON.parse(JSON.stringify(report)));
});

test('parts of a training repository follow each other in time', async () => {
  const { commits } = await build(EVOLUTION, join(folder, 'evolution'));
  const times = (['train', 'ir_val', 'ir_test'] as const).map((suite) => commits[suite].map(({ time }) => time).sort());
  assert.deepEqual(times.map(({ length }) => length), [8, 1, 1]);
  assert.ok(times[0]!.at(-1)! < times[1]![0]! && times[1]!.at(-1)! < times[2]![0]!);
});

test('snapshots are of the last commit before the cut-off', async () => {
  const { tasks } = await build(STATIC, join(folder, 'static'));
  const { path } = pins.find(({ id }) => id === 'o/valid')!;
  const last = git(path!, ['log', '--first-parent', '--format=%H', '--before=2025-03-31T23:59:59Z', '-1']).toString().trim();
  assert.ok(tasks.cr_val.length > 0 && tasks.cr_val.every(({ commit }) => commit === last));
});

test('the guard knows all parts of training repositories, learned before others are asked', () => {
  const guard = new LeakageGuard({});
  const task = (split: CrossRepoSplit, prefix: string, target: string, inRepoSplit: Task['inRepoSplit'] = 'test') =>
    ({ split, inRepoSplit, prefix, target, testFunction: 'T.test_a' }) as Task;
  const held = task('cr_test', 'class T:\n\n  def test_a(self):\n\tx = 1\n\tassert x == ', '12');
  assert.equal(guard.fault(held), null);
  guard.learn(held);
  assert.equal(guard.fault(held), null);
  guard.learn(task('train', 'import z\ndef test_a(self):\n  x = 1\n  assert x == ', '12', 'test'));
  assert.equal(guard.fault(held), 'shared_with_training');
  assert.equal(guard.fault(task('train', held.prefix, held.target)), null);
  assert.equal(guard.fault({ ...held, target: '13' }), null);
  assert.equal(guard.fault({ ...held, prefix: held.prefix.replace('x = 1', 'x = 2') }), null);
});

test('test tasks that repeat a trained one of their own repository are counted', async () => {
  const task = (repo: string, inRepoSplit: Task['inRepoSplit'], target: string, split: CrossRepoSplit = 'train') =>
    ({ repo, split, inRepoSplit, prefix: 'def test_a():\n  assert x == ', target, testFunction: 'test_a' }) as Task;
  assert.equal(await repeatedInRepository([
    task('a', 'test', '1'), task('a', 'test', '2'), task('a', 'train', '1'), task('a', 'val', '2'), task('b', 'test', '1'), task('c', 'test', '1', 'cr_test'), task('c', 'train', '1', 'cr_test'),
  ]), 1);
});

test('no test file is among those an encoder reads', () => {
  const paths = ['a.py', 'tests/a.py', 'testing.py', 'docs/x.md', 'tests/x.md', 'contest/b.py', 'venv/c.py', 'by_content.py', 'latin.py', 'Test/d.rst'];
  const repo = {
    id: 'o/r', commit: 'c', licence: 'MIT', split: 'train' as const,
    files: paths.map((path) => ({ path, bytes: path === 'by_content.py' ? Buffer.from('import pytest\n')
      : path === 'latin.py' ? Buffer.from('# \xe4\ndef test_a():\n  pass\n', 'latin1') : Buffer.from('x = 1\n') })),
  };
  assert.deepEqual(sourceFiles(repo, { docs: true }).map(({ path }) => path), ['a.py', 'docs/x.md']);
  assert.deepEqual(testFiles(repo).map(({ path }) => path), ['tests/a.py', 'testing.py', 'contest/b.py', 'by_content.py', 'latin.py']);
  const tasks = [{ repo: 'o/r', file: 'testing.py' }, { repo: 'o/other', file: 'a.py' }] as Task[];
  refuseAsked('o/r', sourceFiles(repo, { docs: true }), tasks);
  assert.throws(() => refuseAsked('o/r', testFiles(repo), tasks), /o\/r: tasks ask about testing\.py/);
});
