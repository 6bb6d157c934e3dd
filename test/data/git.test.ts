/** Reading histories and diffs against the git command line, and what may not be in a diff. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newCounts, replay } from '../../lib/dist/data/evolution/replay.js';
import { BlobReader, MAX_BLOB_BYTES } from '../../lib/dist/data/git/blobs.js';
import { DiffReader, MAX_DIFF_CHARACTERS } from '../../lib/dist/data/git/diffs.js';
import { firstParentLog } from '../../lib/dist/data/git/log.js';
import { writeHistory } from '../../lib/dist/data/git/write-history.js';
import { openParser } from '../../lib/dist/data/python.js';
import { UserError } from '../../lib/dist/store/errors.js';
import { collect, emptyGiant, FIRST, git, HOUR, makeRepository, type TestCommit } from './git-repositories.js';
import { messyHistory } from './messy-history.js';

const folder = mkdtempSync(join(tmpdir(), 'git-'));
let repositories = 0;
before(openParser);
after(() => rmSync(folder, { recursive: true }));

function repository(commits: readonly TestCommit[]): { gitDir: string; ids: string[] } {
  const gitDir = join(folder, `${repositories++}.git`);
  return { gitDir, ids: makeRepository(gitDir, commits) };
}

/** The diffs of the kept commits. */
const diffs = async (commits: readonly TestCommit[]): Promise<string[]> => {
  const { gitDir, ids } = repository(commits);
  return (await collect(replay({ gitDir, head: ids.at(-1)! }, { identity: 'assertion', cutoff: Number.POSITIVE_INFINITY }, newCounts()))).map(({ diff }) => diff);
};
const testOf = (n: number | string): string => `def test_a():\n    assert basket_of_goods.value_of(${n}) == 'secret ${n}'\n`;

test('the log is the first-parent history, oldest first, with the changes git tells', async () => {
  const { gitDir, ids } = repository([...messyHistory(40, 3), { files: {} }]);
  const entries = await collect(firstParentLog(gitDir, ids.at(-1)!));
  const lines = git(gitDir, ['rev-list', '--first-parent', '--reverse', '--format=%H %T %ct', '--no-commit-header', ids.at(-1)!]).toString().trim().split('\n');
  assert.deepEqual(entries.map(({ id, tree, time }) => `${id} ${tree} ${time}`), lines);
  assert.deepEqual(entries.at(-1)!.changes, []);
  for (const { id, changes } of entries) {
    const status = git(gitDir, ['diff-tree', '-r', '-M', '-z', '--root', '-m', '--first-parent', '--no-commit-id', '--name-status', id]).toString();
    const ours = changes.map(({ kind, path, from }) => [kind[0]!.toUpperCase(), ...(from === undefined ? [] : [from]), path].join('\0'));
    assert.equal(ours.map((text) => `${text}\0`).join(''), status.replace(/R\d+/g, 'R'));
  }
});

test('a diff is what git shows of production code between kept commits', async () => {
  const { gitDir, ids } = repository([
    { files: { 'a.py': 'a = 1\n', 'docs/x.md': '# X\n', 'y.rst': 'Y\n', 'data.json': '{}', 'tests/test_a.py': testOf(1) } },
    { files: { 'a.py': 'a = 2\n', 'b c.py': 'é\n', 'contest.md': 'hidden', 'venv/x.py': 'hidden', 'lib/.tox/y.py': 'hidden' } },
    { files: { 'a.py': null, 'moved.py': 'a = 2\n', 'tests/test_a.py': testOf(2), 'latin.py': Buffer.from('x = "\xe4"\n', 'latin1') } },
  ]);
  const kept = await collect(replay({ gitDir, head: ids.at(-1)! }, { identity: 'assertion', cutoff: Number.POSITIVE_INFINITY }, newCounts()));
  assert.deepEqual(kept.map(({ id }) => id), [ids[0], ids[2]]);
  const shown = (from: string, to: string): string =>
    git(gitDir, ['-c', 'core.quotePath=false', 'diff-tree', '-r', '-M', '-p', from, to, '--', 'a.py', 'b c.py', 'docs', 'y.rst', 'moved.py', 'latin.py']).toString('utf8');
  const empty = git(gitDir, ['hash-object', '-t', 'tree', '--stdin'], '').toString().trim();
  assert.deepEqual(kept.map(({ diff }) => diff), [shown(empty, ids[0]!), shown(ids[0]!, ids[2]!)]);
  assert.ok(!kept.some(({ diff }) => /hidden|secret/.test(diff)));
});

test('no text of a test is in a diff, though only its content tells that it is one', async () => {
  const names = ['checks.py', 'we"ird.py', 'x b/y.py'];
  for (const name of names) {
    const other = `other/${name}`;
    for (const text of await diffs([
      { files: { [name]: testOf(1), 'a.py': 'a = 1\n' } },
      { files: { [name]: testOf(2) } },
      { files: { [name]: null, [other]: `${testOf(2)}    assert 1 == 11\n` } },
      { files: { [other]: null } },
      { files: { 'test_new.py': testOf('again') } },
      { files: { [name]: testOf(5) } },
      { files: { [name]: "value = 'secret'\n" } },
      { files: { 'test_new.py': testOf('third') } },
      { files: { [name]: Buffer.from(`# \xe4\n${testOf(6)}`, 'latin1') } },
      { files: { 'test_new.py': testOf('fourth') } },
    ])) assert.ok(!text.includes('secret'), text);
  }
});

test('a long diff ends after the last file that fits, and large files are named only', async () => {
  const wide = 'x = 1\n'.repeat(300_000);
  const { gitDir, ids } = repository([
    { files: {} },
    { files: { 'a.py': wide, 'b.py': `${wide}#\n`, 'c.py': `${wide}##\n`, 'd.py': 'd = 1\n', 'large.py': `${wide}${wide}` } },
  ]);
  const reader = new DiffReader(gitDir);
  const tree = (commit: string): string => git(gitDir, ['rev-parse', `${commit}^{tree}`]).toString().trim();
  const { text, omitted } = await reader.between(tree(ids[0]!), tree(ids[1]!), () => false);
  reader.close();
  assert.ok(text.length <= MAX_DIFF_CHARACTERS);
  assert.equal(omitted, 2);
  for (const name of ['a.py', 'd.py', 'large.py']) assert.ok(text.includes(`diff --git a/${name} b/${name}`));
  assert.match(text, /Binary files \/dev\/null and b\/large\.py differ/);
});

test('blobs come whole and in order; large and missing ones are told', async () => {
  const contents = ['', 'a\n', '\0\n\0', Buffer.alloc(MAX_BLOB_BYTES, 'x'), Buffer.alloc(MAX_BLOB_BYTES + 1, 'x'), 'é'];
  const { gitDir, ids } = repository([{ files: Object.fromEntries(contents.map((content, i) => [`f${i}`, content])) }]);
  const id = (name: string): string => git(gitDir, ['rev-parse', name]).toString().trim();
  const blobs = new BlobReader(gitDir);
  const read = await blobs.read([...contents.map((_, i) => id(`${ids[0]}:f${i}`)), '0'.repeat(40), id(`${ids[0]}^{tree}`), emptyGiant(gitDir, 2 ** 30)]);
  assert.deepEqual(read.map((bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes))),
    [...contents.slice(0, 4).map((content) => Buffer.from(content)), 'too large', Buffer.from('é'), 'missing', 'missing', 'too large']);
  assert.deepEqual(await blobs.read([]), []);
  assert.equal(Buffer.from((await blobs.read([id(`${ids[0]}:f1`)]))[0] as Uint8Array).toString(), 'a\n');
  blobs.close();
});

test('revisions become the same commits each time, with the bytes they had', async () => {
  const names = ['a.py', 'dir/with space.py', 'é.py', 'quote".py', 'tab\t.py'];
  const revisions = [0, 1].map((i) => ({
    time: FIRST + i * HOUR, message: `revision ${i}\nwith "quotes"`,
    files: names.slice(i).map((path) => ({ path, bytes: Buffer.from([i, 0, 10, 13, 255]) })),
  }));
  const [one, two] = [join(folder, 'one.git'), join(folder, 'deep/two.git')];
  const head = await writeHistory(one, revisions);
  assert.equal(await writeHistory(two, revisions), head);
  assert.deepEqual(git(one, ['ls-tree', '-r', '-z', '--name-only', head]).toString().split('\0').slice(0, -1).sort(), names.slice(1).sort());
  assert.deepEqual(git(one, ['cat-file', 'blob', `${head}:quote".py`]), Buffer.from([1, 0, 10, 13, 255]));
  assert.equal(git(one, ['log', '--format=%ct %at', head]).toString(), revisions.map(({ time }) => `${time} ${time}\n`).reverse().join(''));
  git(one, ['fsck', '--strict']);
  // A folder that was there is replaced, and nothing else is left.
  assert.notEqual(await writeHistory(one, revisions.slice(0, 1)), head);
  assert.deepEqual(readdirSync(folder).filter((name) => name.includes('.part')), []);
  const wrong = { ...revisions[0]!, files: [{ path: 'a//b.py', bytes: Buffer.from('x') }] };
  await assert.rejects(writeHistory(join(folder, 'three.git'), [wrong]), UserError);
  assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith('three')), []);
});
