/** Where git repositories are found, in which order they come, and what is said when they are not there. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, test } from 'node:test';
import { newCounts, replay } from '../../../lib/dist/data/evolution/replay.js';
import { isNewEnough } from '../../../lib/dist/data/git/version.js';
import { secondsOfDay } from '../../../lib/dist/data/iso-day.js';
import { openParser } from '../../../lib/dist/data/python.js';
import { type GitPin, gitSource, type GitSourceOptions, localPin } from '../../../lib/dist/data/sources/git.js';
import { silent } from '../../../lib/dist/store/progress.js';
import { checkOut, collect, filesUnder, FIRST, git, HOUR, makeRepository } from '../git-repositories.js';

const folder = mkdtempSync(join(tmpdir(), 'git-source-'));
after(() => rmSync(folder, { recursive: true }));

const CUTOFF = FIRST + 100 * HOUR;
const cacheDir = join(folder, 'cache');
const at = (...parts: string[]): string => join(folder, ...parts);
const source = (pins: GitPin[], options: Partial<GitSourceOptions> = {}) => gitSource(pins, { cacheDir, cutoff: CUTOFF, ...options }, silent);
const pin = (id: string, more: Partial<GitPin> = {}): GitPin => ({ id, licence: 'MIT', split: 'train', ...more });

const bare = at('bare.git');
const ids = makeRepository(bare, [0, 1, 2].map((n) => ({ files: { 'pkg/test_a.py': `def test_a():\n    assert a == ${n}\n`, 'pkg/a.py': `a = ${n}\n`, 'README.md': 'x' } })));

/** Why none of the pins is usable: one line each. */
async function reasons(pins: GitPin[], options: Partial<GitSourceOptions> = {}): Promise<string[]> {
  const { histories, unusable } = source(pins, options);
  assert.deepEqual(await collect(histories()), []);
  assert.ok(unusable.every(({ reason }) => !reason.trim().includes('\n')));
  return unusable.map(({ reason }) => reason);
}

test('a bare repository, a clone, its .git folder, a linked work tree and a submodule give the same', async () => {
  checkOut(bare, at('clone'));
  execFileSync('git', ['-C', at('clone'), 'worktree', 'add', '--quiet', '--detach', at('linked')], { stdio: 'pipe' });
  makeRepository(at('super.git'), [{ files: { 'x.py': '' } }]);
  checkOut(at('super.git'), at('super'));
  execFileSync('git', ['-C', at('super'), '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', bare, 'sub'], { stdio: 'pipe' });
  const before = filesUnder(folder);
  await openParser();
  const diffs: string[] = [];
  // From inside a work tree too: where one stands plays no part.
  const home = process.cwd();
  for (const [path, from] of [[bare, home], [at('clone'), home], [at('clone/.git'), home], [at('linked'), home], [at('super/sub'), home], [at('super/sub'), at('super/sub/pkg')]] as const) {
    process.chdir(from);
    try {
      const pins = [localPin(relative(from, path), 'train')];
      const [history] = await collect(source(pins).histories());
      assert.equal(history!.head, ids[2]);
      const [repository] = await collect(source(pins).snapshots());
      assert.deepEqual(repository!.files.map(({ path: name }) => name), ['README.md', 'pkg/a.py', 'pkg/test_a.py']);
      diffs.push(JSON.stringify((await collect(replay(history!, { identity: 'assertion', cutoff: CUTOFF }, newCounts()))).map(({ id, diff }) => [id, diff])));
    } finally {
      process.chdir(home);
    }
  }
  assert.equal(new Set(diffs).size, 1);
  assert.ok(diffs[0]!.includes('+a = 2'));
  assert.deepEqual(filesUnder(folder), before);
});

test('a pinned commit is the newest that is looked at; a snapshot is of the last before the cut-off', async () => {
  const pins = [pin('o/r', { path: bare, commit: ids[1]! })];
  assert.equal((await collect(source(pins).histories()))[0]!.head, ids[1]);
  const [early] = await collect(source([pin('o/r', { path: bare })], { cutoff: FIRST + HOUR }).snapshots());
  assert.equal(early!.commit, ids[0]);
  const none = source([pin('o/r', { path: bare })], { cutoff: FIRST });
  assert.deepEqual(await collect(none.snapshots()), []);
  assert.match(none.unusable[0]!.reason, /^o\/r has no commit before the cut-off/);
  for (const commit of ['--help', '-x', 'f'.repeat(40), 'HEAD:README.md']) assert.match((await reasons([pin('o/r', { path: bare, commit })]))[0]!, /^o\/r has no commit /);
});

test('training repositories come first, then validation, test and those out of distribution', async () => {
  const splits = ['ood_test', 'cr_test', 'train', 'cr_val', 'train'] as const;
  const pins = splits.map((split, i) => pin(`o/r${i}`, { path: bare, split }));
  assert.deepEqual((await collect(source(pins, { cutoff: FIRST }).histories())).map(({ id }) => id), ['o/r2', 'o/r4', 'o/r3', 'o/r1', 'o/r0']);
});

test('out of distribution is what began at the cut-off or later', async () => {
  const ood = [pin('o/r', { path: bare, split: 'ood_test' })];
  assert.equal((await collect(source(ood, { cutoff: FIRST }).histories())).length, 1);
  assert.deepEqual(await reasons(ood, { cutoff: FIRST + 1 }), ['o/r began on 2024-01-01, before the cut-off: it cannot be in the out-of-distribution set.']);
  // An older history that was merged in counts.
  const merged = makeRepository(at('merged.git'), [{ time: FIRST - HOUR, files: { 'old.py': '' } }, { from: null, time: FIRST + HOUR, files: { 'a.py': '' } },
    { merge: [0], time: FIRST + 2 * HOUR, files: {} }]);
  assert.equal(merged.length, 3);
  assert.match((await reasons([pin('o/m', { path: at('merged.git'), split: 'ood_test' })], { cutoff: FIRST }))[0]!, /^o\/m began on 2023-12-31/);
});

test('a mirror holds owner/name.git or owner/name; nothing is cloned from elsewhere', async () => {
  const mirror = at('mirror');
  mkdirSync(join(mirror, 'one'), { recursive: true });
  git(bare, ['clone', '--quiet', '--bare', bare, join(mirror, 'one/a.git')]);
  git(bare, ['clone', '--quiet', bare, join(mirror, 'one/b')]);
  const pins = ['one/a', 'one/b'].map((id) => pin(id, { url: 'https://127.0.0.1/none' }));
  assert.deepEqual((await collect(source(pins, { mirror }).histories())).map(({ id, head }) => [id, head]), [['one/a', ids[2]], ['one/b', ids[2]]]);
  assert.deepEqual(await reasons([pin('one/c', { url: 'https://127.0.0.1/none' })], { mirror }), [`one/c is not in the mirror: expected ${join(mirror, 'one/c.git')}.`]);
  assert.ok(!existsSync(cacheDir));
});

test('what is in the cache is used when it has the commit', async () => {
  mkdirSync(join(cacheDir, 'git/o'), { recursive: true });
  git(bare, ['clone', '--quiet', '--bare', bare, join(cacheDir, 'git/o/r.git')]);
  const url = 'https://127.0.0.1/o/r';
  for (const more of [{}, { commit: ids[1]! }, { url }]) assert.equal((await collect(source([pin('o/r', more)]).histories())).length, 1);
  assert.match((await reasons([pin('o/r', { url, commit: 'a'.repeat(40) })]))[0]!, /^o\/r could not be cloned from /);
  assert.ok(existsSync(join(cacheDir, 'git/o/r.git/HEAD')), 'a clone that failed leaves what was there');
});

test('an address that does not answer, or is none of https, is one line', async () => {
  const before = filesUnder(folder);
  assert.match((await reasons([pin('far/away', { url: 'https://127.0.0.1/far/away' })]))[0]!,
    /^far\/away could not be cloned from https:\/\/127\.0\.0\.1\/far\/away \(.*unable to access.*\): check the network, or give a folder of clones with --mirror \(in a notebook: the environment variable CODE2LORA_MIRROR\)\.$/);
  for (const url of [undefined, 'http://127.0.0.1/a', `file://${bare}`, bare, 'ext::sh -c true', '--upload-pack=x', 'https://a b/c', 'https://u:p@h/x']) {
    assert.match((await reasons([pin('o/new', { ...(url !== undefined && { url }) })]))[0]!, /^o\/new has no https URL: give one, a path, or a mirror\.$/);
  }
  for (const id of ['../up', 'a/..', 'noslash', 'a/b/c', '/a', 'a/b\n']) assert.match((await reasons([pin(id, { url: 'https://127.0.0.1/a/b' })]))[0]!, /is no owner\/name\.$/);
  assert.deepEqual(filesUnder(folder), before);
  assert.deepEqual(readdirSync(join(cacheDir, 'git/far')), []);
});

test('an older git than histories need is told before anything is read, with its version', () => {
  const bin = at('bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'git'), '#!/bin/sh\necho "git version 2.34.1"\n', { mode: 0o755 });
  const run = (...args: string[]) => spawnSync(process.execPath, ['lib/bin/code2lora.js', ...args], { encoding: 'utf8', env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` } });
  const { status, stderr } = run('curate', '--source', 'git', '--path', bare, '--out', at('old'));
  assert.equal(status, 1);
  assert.match(stderr, /git 2\.34\.1 is too old, histories need 2\.36 or newer: /);
  const doctor = run('doctor');
  assert.match(doctor.stdout, /^ {2}git, needed for histories: 2\.34\.1 is too old: install git 2\.36 or newer$/m);
  assert.deepEqual([isNewEnough('2.36.0'), isNewEnough('2.35.9'), isNewEnough('3.0'), isNewEnough('2.45.1.windows.1')], [true, false, true, true]);
});

test('a day is an ISO day, in UTC wherever one is', () => {
  assert.equal(secondsOfDay('2024-02-29', 'x'), Date.UTC(2024, 1, 29) / 1000);
  for (const day of ['2030-4-1', '2030/04/01', 'April 1 2030', '2030-04', '1', '2030-02-30', '2023-02-29', '2030-04-01T00:00:00', '']) {
    assert.throws(() => secondsOfDay(day, '--cutoff'), { message: `--cutoff ${JSON.stringify(day)} is no day: write it as 2025-04-01.` });
  }
  const { status, stderr } = spawnSync(process.execPath, ['lib/bin/code2lora.js', 'curate', '--source', 'git', '--path', bare, '--cutoff', '2030-4-1', '--out', at('days')], { encoding: 'utf8' });
  assert.deepEqual([status, /--cutoff "2030-4-1" is no day/.test(stderr)], [1, true]);
});

test('a repository is called as its folder, its .git folder too', () => {
  for (const path of [at('clone'), at('clone/.git'), at('clone.git'), at('clone', '.git', '/')]) assert.equal(localPin(path, 'train').id, 'clone');
});
