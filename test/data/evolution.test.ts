/** The evolution track against an independent replay (Python's ast and the git command line) and against stories. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { silent } from '../../lib/dist/store/progress.js';
import { checkTask } from './check-task.js';
import { curateHistory, type EvolutionOptions } from '../../lib/dist/data/evolution/evolution-track.js';
import { newCounts, replay, type ReplayCounts } from '../../lib/dist/data/evolution/replay.js';
import { openParser } from '../../lib/dist/data/python.js';
import { syntheticSource } from '../../lib/dist/data/sources/synthetic/synthetic.js';
import { chronologicalSplits } from '../../lib/dist/data/splits.js';
import type { Commit, CrossRepoSplit, Task } from '../../lib/dist/data/types.js';
import { compareWithOracle } from './evolution-oracle.js';
import { collect, type Content, FIRST, git, HOUR, makeRepository, type TestCommit } from './git-repositories.js';
import { BROKEN, messyHistory } from './messy-history.js';

const folder = mkdtempSync(join(tmpdir(), 'evolution-'));
const OPTIONS: EvolutionOptions = { identity: 'assertion', cutoff: Number.POSITIVE_INFINITY, prefix: 'structured', perCommit: 8, perFile: 4 };
let repositories = 0;

before(openParser);
after(() => rmSync(folder, { recursive: true }));

function repository(commits: readonly TestCommit[]): { gitDir: string; ids: string[]; head: string } {
  const gitDir = join(folder, `${repositories++}.git`);
  const ids = makeRepository(gitDir, commits);
  return { gitDir, ids, head: ids.at(-1)! };
}

/** What each version of `test_a.py` adds and changes: `+target` or `~target`. */
async function events(versions: (Content | Record<string, Content>)[], identity: 'assertion' | 'full-prefix' = 'assertion'): Promise<string[][]> {
  const isFiles = (version: (typeof versions)[number]): version is Record<string, Content> =>
    version !== null && typeof version === 'object' && !(version instanceof Uint8Array);
  const { gitDir, ids, head } = repository(versions.map((version) => ({ files: isFiles(version) ? version : { 'test_a.py': version } })));
  const kept = new Map((await collect(replay({ gitDir, head }, { identity, cutoff: Number.POSITIVE_INFINITY }, newCounts()))).map((commit) => {
    assert.equal(commit.added + commit.modified, commit.items.length);
    return [commit.id, commit.items.map(({ candidate, event }) => `${event === 'added' ? '+' : '~'}${candidate.target}`)] as const;
  }));
  return ids.map((id) => kept.get(id) ?? []);
}

async function curated(commits: readonly TestCommit[], options: Partial<EvolutionOptions> = {}, split: CrossRepoSplit = 'train'):
Promise<{ rows: { commit: Commit; tasks: Task[] }[]; tasks: Task[]; counts: ReplayCounts; gitDir: string; ids: string[] }> {
  const { gitDir, ids, head } = repository(commits);
  const counts = newCounts();
  const rows = await collect(curateHistory({ id: 'o/r', licence: 'MIT', split, gitDir, head }, { ...OPTIONS, ...options }, join(folder, 'spool'), counts));
  return { rows, tasks: rows.flatMap(({ tasks }) => tasks), counts, gitDir, ids };
}

const testOf = (...lines: string[]): string => `def test_a():\n${lines.map((line) => `    ${line}\n`).join('')}`;
/** `count` commits that add one assertion each. */
const growing = (count: number, time: (i: number) => number = (i) => FIRST + i * HOUR): TestCommit[] =>
  Array.from({ length: count }, (_, i) => ({ time: time(i), files: { [`test_${i}.py`]: testOf(`assert value == 'number ${i}'`) } }));

test('made-up histories: the same assertions as the oracle, commit by commit', async () => {
  const histories = await collect(syntheticSource(4, 3407, join(folder, 'synthetic'), silent).histories());
  for (const { gitDir, head } of histories.slice(0, 2)) {
    const { both, onlyOurs, onlyOracle, unreadable } = await compareWithOracle(gitDir, head);
    assert.deepEqual([onlyOurs, onlyOracle, unreadable.size], [[], [], 0]);
    assert.ok(both > 50);
  }
});

test('a messy history: the same assertions as the oracle, and every task is true to its file', async () => {
  const commits = messyHistory(150, 7);
  const { gitDir, ids, head } = repository(commits);
  const { both, onlyOurs, onlyOracle, unreadable } = await compareWithOracle(gitDir, head);
  const comparable = (place: string): boolean => !place.includes(` ${BROKEN} `);
  assert.deepEqual([onlyOurs.filter(comparable), onlyOracle.filter(comparable)], [[], []]);
  assert.ok(both > 200, String(both));
  assert.ok(unreadable.size > 0 && [...unreadable].every((version) => version.endsWith(BROKEN)), 'only the broken file does not parse');
  const changes = git(gitDir, ['log', '--first-parent', '-M', '--raw', '--diff-merges=first-parent', '--format=%P']).toString();
  for (const kind of [/ R\d+\t/, / D\t/, / A\t/, / M\t/, /^[0-9a-f]{40} [0-9a-f]{40}$/m, /^[0-9a-f]{40}\n[0-9a-f]{40}/m]) assert.match(changes, kind);

  for (const prefix of ['structured', 'full-file'] as const) for (const identity of ['assertion', 'full-prefix'] as const) {
    const history = { id: 'o/r', licence: 'MIT', split: 'cr_test' as const, gitDir, head };
    const counts = newCounts();
    const rows = await collect(curateHistory(history, { ...OPTIONS, prefix, identity, perCommit: 40, perFile: 20 }, join(folder, 'spool'), counts));
    const tasks = rows.flatMap((row) => row.tasks);
    assert.ok(tasks.length > 200 && new Set(tasks.map(({ id }) => id)).size === tasks.length);
    const versions = new Map<string, Buffer>();
    for (const task of tasks) {
      const name = `${task.commit}:${task.file}`;
      if (!versions.has(name)) versions.set(name, git(gitDir, ['cat-file', 'blob', name]));
      assert.equal(checkTask(task, versions.get(name)!), null, task.id);
    }
    assert.ok((counts.unread['not UTF-8'] ?? 0) > 0);
    assert.ok(tasks.some(({ file }) => file.startsWith('src/')) && !tasks.some(({ file }) => file.includes('venv/')));
    assert.equal(counts.commits, ids.length - 2 * commits.filter(({ merge }) => merge).length);
    assert.equal(tasks.length + (counts.drops['cap_commit'] ?? 0), rows.reduce((sum, { commit }) => sum + commit.added + commit.modified, 0));
  }
});

test('an assertion that only moves is not new; under full-prefix every edit above makes it new', async () => {
  const moves = [
    testOf('x = 1', 'assert a == 11', 'assert b == 22'),
    testOf('x = 1', 'assert b == 22', 'assert a == 11'),
    testOf('x = 1', 'if x:', '    assert b == 22', '    assert  a  ==  11'),
    `import os\n${testOf('x = 1', 'if x:', '    assert b == 22', '    assert  a  ==  11')}`,
    `import os\r\n${testOf('x = 1', 'if x:', '    assert b == 22', '    assert  a  ==  11').replaceAll('\n', '\r\n')}`,
  ];
  assert.deepEqual(await events(moves), [['+11', '+22'], [], [], [], []]);
  const all = (await events(moves, 'full-prefix')).map((fresh) => fresh.map((event) => event.slice(1)));
  assert.deepEqual(all, [['11', '22'], ['22', '11'], ['22', '11'], ['22', '11'], []]);
});

test('added and modified: in a function that lost assertions, as many of the new ones are modified', async () => {
  assert.deepEqual(await events([
    testOf('assert a == 11', 'assert b == 22'),
    testOf('assert a == 12', 'assert b == 22'),
    testOf('assert a == 12', 'assert b == 22', 'assert c == 33'),
    testOf('assert a == 13', 'assert b == 23', 'assert c == 33', 'assert d == 44'),
    testOf('assert a == 13'),
    testOf('assert a == 13', 'assert a == 13'),
    `${testOf('assert a == 13', 'assert a == 13')}def test_b():\n    assert a == 13\n`,
  ]), [['+11', '+22'], ['~12'], ['+33'], ['~13', '~23', '+44'], [], ['+13'], ['+13']]);
});

test('renamed files carry what they held, deleted ones do not; names can be swapped, and a file can become a test', async () => {
  const a = testOf(...Array.from({ length: 9 }, (_, i) => `assert a == ${i + 10}`));
  const b = 'import other\n\n\ndef test_other():\n    assert other.long_name_of_it() == 99\n';
  const first = [...Array(9).keys()].map((i) => `+${i + 10}`);
  assert.deepEqual(await events([
    { 'test_a.py': a },
    { 'test_a.py': null, 'tests/deep/test_c.py': a },
    { 'tests/deep/test_c.py': null, 'test_d.py': `${a}    assert a == 50\n` },
    { 'test_d.py': null },
    { 'test_d.py': a },
    { 'test_e.py': b },
    { 'test_d.py': b, 'test_e.py': a },
    { 'venv/test_e.py': a, 'node_modules/x/test_e.py': a, 'helpers.py': 'assert a == 10\n' },
    { 'helpers.py': testOf('assert a == 10') },
    { 'helpers.py': 'assert a == 10\n' },
    { 'helpers.py': testOf('assert a == 10') },
  ]), [first, [], ['+50'], [], first, ['+99'], ['+99', ...first], [], ['+10'], [], ['+10']]);
});

test('versions that cannot be read are counted, and the next one is compared with the last that could', async () => {
  const versions = [testOf('assert a == 11'), Buffer.from('# \xe4\n', 'latin1'), testOf('assert a == 11', 'assert b == 22')];
  assert.deepEqual(await events(versions), [['+11'], [], ['+22']]);
  const { counts, rows } = await curated(versions.map((version) => ({ files: { 'test_a.py': version } })));
  assert.deepEqual([counts.unread, counts.commits, rows.length], [{ 'not UTF-8': 1 }, 3, 2]);
});

test('a line separator of Unicode, in a diff or a task, ends no line', async () => {
  const [separator, paragraph] = ['\u2028', '\u2029'];
  const { rows } = await curated([{ files: { 'test_a.py': testOf(`x = '${separator}'`, `assert y == 'a${paragraph}b'`), 'src.py': `text = '${paragraph}${separator}'\n` } }]);
  const [{ commit, tasks }] = rows as [(typeof rows)[number]];
  assert.equal(tasks[0]!.target, `'a${paragraph}b'`);
  assert.ok(tasks[0]!.prefix.includes(separator) && commit.diff.includes(`${paragraph}${separator}`));
});

test('caps: files take turns, then functions; at most eight tasks a commit and four a file', async () => {
  const file = (name: string, ...counts: number[]): string => counts.map((count, f) =>
    `def test_${f}():\n${Array.from({ length: count }, (_, i) => `    assert x == '${name} ${f} ${i}'\n`).join('')}`).join('');
  const files = { 'test_b.py': file('b', 6, 1, 2), 'test_a.py': file('a', 2), 'test_c.py': file('c', 9) };
  const { rows, counts } = await curated([{ files }]);
  assert.deepEqual(rows[0]!.tasks.map(({ target }) => target.slice(1, -1)), ['a 0 0', 'b 0 0', 'c 0 0', 'a 0 1', 'b 1 0', 'c 0 1', 'b 2 0', 'c 0 2']);
  assert.deepEqual([rows[0]!.commit.added, rows[0]!.tasks.length, counts.drops], [20, 8, { cap_commit: 12 }]);
  const { tasks } = await curated([{ files: { 'test_b.py': files['test_b.py'] } }]);
  assert.deepEqual(tasks.map(({ target }) => target.slice(1, -1)), ['b 0 0', 'b 1 0', 'b 2 0', 'b 0 1']);
});

test('short targets are left out of the training part only, before the caps', async () => {
  const versions = Array.from({ length: 10 }, (_, i) => ({ files: { 'test_a.py': testOf(
    ...Array.from({ length: 5 }, (_, n) => `assert short_${i} == ${n}`), `assert long_${i} == 'a long one'`, `self.assertTrue(x${i}())`) } }));
  const { rows, counts } = await curated(versions);
  assert.deepEqual(rows.map(({ commit, tasks }) => [commit.inRepoSplit, tasks.map(({ target }) => target)]), Array.from({ length: 10 }, (_, i) =>
    i < 8 ? ['train', [`'a long one'`]] : [i === 8 ? 'val' : 'test', ['0', '1', '2', '3']]));
  assert.deepEqual(counts.drops, { short_target: 48, cap_commit: 6 });
  const other = await curated(versions, {}, 'cr_test');
  assert.ok(other.rows.every(({ commit, tasks }) => commit.inRepoSplit === 'test' && tasks[0]!.target === '0'));
  assert.equal(other.counts.drops['short_target'], undefined);
});

test('kept commits are split 80/10/10 in time; other repositories are all test', async () => {
  for (const [n, expected] of [[1, [1, 0, 0]], [2, [2, 0, 0]], [3, [2, 0, 1]], [10, [8, 1, 1]], [29, [23, 2, 4]]] as const) {
    const parts = chronologicalSplits([...Array(n).keys()], 'train');
    assert.deepEqual(['train', 'val', 'test'].map((part) => parts.filter((other) => other === part).length), expected);
    assert.deepEqual(parts, [...parts].sort((a, b) => ['train', 'val', 'test'].indexOf(a!) - ['train', 'val', 'test'].indexOf(b!)));
    assert.ok(chronologicalSplits([...Array(n).keys()], 'cr_val').every((part) => part === 'test'));
  }
  const { rows, tasks } = await curated(growing(20));
  assert.deepEqual(rows.map(({ commit }) => [commit.index, commit.inRepoSplit]),
    [...Array(20).keys()].map((i) => [i, i < 16 ? 'train' : i < 18 ? 'val' : 'test']));
  assert.deepEqual(tasks.map(({ commitIndex, inRepoSplit }) => [commitIndex, inRepoSplit]), rows.map(({ commit }) => [commit.index, commit.inRepoSplit]));
});

test('a commit whose clock is before the training part has no part, and is counted', async () => {
  const { rows, tasks, counts, ids } = await curated(growing(20, (i) => FIRST + (i === 5 ? 17.5 : i) * HOUR));
  const newest = Math.max(...rows.filter(({ commit }) => commit.inRepoSplit === 'train').map(({ commit }) => Date.parse(commit.time)));
  assert.ok(rows.every(({ commit }) => commit.inRepoSplit === 'train' || Date.parse(commit.time) >= newest));
  assert.deepEqual(rows.map(({ commit }) => ids.indexOf(commit.id)), [...Array(16).keys(), 18, 19]);
  assert.deepEqual([tasks.length, counts.drops], [18, { clock_before_training: 2 }]);
});

test('nothing of the cut-off or later, though clocks go back after it', async () => {
  const cutoff = Date.UTC(2025, 3, 1) / 1000;
  const times = [-3, -2, -1, 0, -2, 1, -1];
  for (const [clock, kept] of [[times, 3], [times.slice(0, 3), 3], [[0, -1], 0], [[-1, 5, -1], 1]] as const) {
    const { rows, tasks, counts, ids } = await curated(growing(clock.length, (i) => cutoff + clock[i]!), { cutoff });
    assert.deepEqual(rows.map(({ commit }) => commit.id), ids.slice(0, kept));
    assert.deepEqual([tasks.length, counts.commits, counts.cutOff], [kept, kept, kept < clock.length ? 1 : 0]);
    for (const { commit } of rows) {
      assert.ok(commit.time < '2025-04-01T00:00:00Z');
      for (let i = kept; i < clock.length; i++) assert.ok(!commit.diff.includes(`number ${i}`));
    }
  }
  // What the oracle keeps before the cut-off is the same.
  const { gitDir, head } = repository(growing(times.length, (i) => cutoff + times[i]!));
  const { both, onlyOurs, onlyOracle } = await compareWithOracle(gitDir, head, cutoff);
  assert.deepEqual([both, onlyOurs, onlyOracle], [3, [], []]);
});
