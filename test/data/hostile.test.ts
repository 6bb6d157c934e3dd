/** Repositories that mean harm, or are merely broken: nothing of them runs, nothing is written elsewhere, all is counted. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { curate, type CurationReport, type Track } from '../../lib/dist/data/curate.js';
import { readCommitRows, readTaskRows } from '../../lib/dist/data/dataset/dataset.js';
import { curateHistory } from '../../lib/dist/data/evolution/evolution-track.js';
import { newCounts, replay } from '../../lib/dist/data/evolution/replay.js';
import { openParser } from '../../lib/dist/data/python.js';
import { filesAt, gitSource, localPin } from '../../lib/dist/data/sources/git.js';
import type { CrossRepoSplit } from '../../lib/dist/data/types.js';
import { silent } from '../../lib/dist/store/progress.js';
import { checkOut, collect, emptyGiant, filesUnder, git, makeRepository, type TestCommit } from './git-repositories.js';

const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
const canary = join(folder, 'canary');
before(openParser);
after(() => rmSync(folder, { recursive: true }));

const EVOLUTION: Track = {
  track: 'evolution', options: { identity: 'assertion', cutoff: Number.POSITIVE_INFINITY, prefix: 'full-file', perCommit: 8, perFile: 4 },
};
const STATIC: Track = { track: 'static', options: { seed: 1, maxTasks: 200, minTasks: 1, prefix: 'structured' } };
const testOf = (n: number): string => `def test_a():\n    assert value == 'number ${n}'\n`;
const HISTORY: TestCommit[] = [0, 1, 2].map((n) => ({ files: { 'test_a.py': testOf(n), 'a.py': `a = ${n}\n`, '.gitattributes': '* filter=evil diff=evil\n' } }));

/** One track over one repository; the report, all text of the tables, and what was not usable. */
async function build(path: string, track: Track, split: CrossRepoSplit = 'train'): Promise<{ report: CurationReport; text: string }> {
  const out = mkdtempSync(join(folder, 'out-'));
  const report = await curate(gitSource([localPin(path, split)], { cacheDir: join(folder, 'cache'), cutoff: 1e12 }, silent), track, out);
  const rows = [];
  for (const name of readdirSync(join(out, 'qna'))) rows.push(...await collect(readTaskRows(join(out, 'qna', name))));
  if (track.track === 'evolution') for (const name of readdirSync(join(out, 'commits'))) rows.push(...await collect(readCommitRows(join(out, 'commits', name))));
  assert.deepEqual(readdirSync(out).sort(), track.track === 'evolution' ? ['commits', 'curation.json', 'qna'] : ['curation.json', 'qna']);
  rmSync(out, { recursive: true });
  return { report, text: JSON.stringify(rows) };
}

/** Settings, attributes and hooks that all make the canary. */
function arm(gitDir: string): void {
  const evil = join(folder, 'evil.sh');
  writeFileSync(evil, `#!/bin/sh\necho "$0 $*" >> ${canary}\ncat\n`);
  chmodSync(evil, 0o755);
  const hooks = join(gitDir, 'hooks');
  mkdirSync(hooks, { recursive: true });
  for (const hook of ['post-checkout', 'reference-transaction', 'post-index-change', 'pre-auto-gc', 'fsmonitor-watchman', 'post-rewrite', 'update']) cpSync(evil, join(hooks, hook));
  mkdirSync(join(gitDir, 'info'), { recursive: true });
  writeFileSync(join(gitDir, 'info/attributes'), '* filter=evil diff=evil merge=evil\n');
  writeFileSync(join(folder, 'included'), `[diff]\n external = ${evil}\n`);
  appendFileSync(join(gitDir, 'config'), `
[core]
 hooksPath = ${hooks}
 fsmonitor = ${evil}
 pager = ${evil}
 editor = ${evil}
 sshCommand = ${evil}
 askPass = ${evil}
 gitProxy = ${evil}
 alternateRefsCommand = ${evil}
[filter "evil"]
 clean = ${evil}
 smudge = ${evil}
 process = ${evil}
 required = true
[diff "evil"]
 command = ${evil}
 textconv = ${evil}
[merge "evil"]
 driver = ${evil}
[gpg]
 program = ${evil}
[gpg "ssh"]
 program = ${evil}
[log]
 showSignature = true
[pager]
 log = ${evil}
 diff-tree = ${evil}
[credential]
 helper = !${evil}
[uploadpack]
 packObjectsHook = ${evil}
[alias]
 log = !${evil}
 cat-file = !${evil}
 diff-tree = !${evil}
 rev-parse = !${evil}
 ls-tree = !${evil}
[include]
 path = ${join(folder, 'included')}
`);
}

/** Makes HEAD a commit with a signature, so that git would ask for the program that checks it. */
function sign(gitDir: string): void {
  const [header, ...rest] = git(gitDir, ['cat-file', 'commit', 'HEAD']).toString().split('\n\n');
  const signed = `${header}\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n\n${rest.join('\n\n')}`;
  git(gitDir, ['update-ref', 'HEAD', git(gitDir, ['hash-object', '-t', 'commit', '-w', '--stdin'], signed).toString().trim()]);
}

test('hooks, filters, drivers, programs and aliases of a repository do not run, and it stays as it is', async () => {
  const plain = join(folder, 'plain.git'), armed = join(folder, 'armed.git'), tree = join(folder, 'tree');
  makeRepository(plain, HISTORY);
  sign(plain);
  cpSync(plain, armed, { recursive: true });
  checkOut(plain, tree);
  arm(armed);
  arm(join(tree, '.git'));
  spawnSync('git', [`--git-dir=${armed}`, 'log', '-p', '--ext-diff']);
  assert.ok(/evil/.test(readFileSync(canary, 'utf8')), 'git itself runs them');
  rmSync(canary);

  for (const track of [EVOLUTION, STATIC]) {
    const { text } = await build(plain, track);
    for (const path of [armed, tree]) {
      const before = filesUnder(path);
      const built = await build(path, track);
      assert.ok(!existsSync(canary), existsSync(canary) ? readFileSync(canary, 'utf8') : '');
      assert.deepEqual(filesUnder(path), before);
      assert.equal(built.text.replaceAll(/"(id|repo)":"(armed|tree)/g, '"$1":"plain'), text);
    }
  }
});

test('a repository that would fetch what it lacks by running a program does not', async () => {
  const gitDir = join(folder, 'promisor.git');
  makeRepository(gitDir, [...HISTORY, { files: { 'test_b.py': testOf(9) } }]);
  const blob = git(gitDir, ['rev-parse', 'HEAD:test_b.py']).toString().trim();
  loosen(gitDir);
  rmSync(join(gitDir, 'objects', blob.slice(0, 2), blob.slice(2)));
  appendFileSync(join(gitDir, 'config'), `
[core]
 repositoryformatversion = 1
[extensions]
 partialClone = origin
[remote "origin"]
 url = ext::sh -c "touch% ${canary}"
 promisor = true
 partialclonefilter = blob:none
[protocol "ext"]
 allow = always
`);
  spawnSync('git', [`--git-dir=${gitDir}`, 'cat-file', '-p', blob]);
  assert.ok(existsSync(canary), 'git itself runs it');
  rmSync(canary);
  for (const track of [EVOLUTION, STATIC]) {
    await assert.rejects(build(gitDir, track), /promisor is a partial clone, and lacks files .* Complete it: git -C '\S+' config --unset remote\.origin\./);
    assert.ok(!existsSync(canary));
  }
  // The name of its remote is the repository's own text, and no part of a command for the reader.
  const config = join(gitDir, 'config');
  writeFileSync(config, readFileSync(config, 'utf8').replace('[remote "origin"]', '[remote "x; touch y"]'));
  await assert.rejects(build(gitDir, EVOLUTION), (error: Error) => /Clone it again without --filter\.$/.test(error.message) && !error.message.includes('touch'));
});

test('a partial clone is whole after the commands that its message names', async () => {
  const origin = join(folder, 'origin.git'), blobless = join(folder, 'blobless.git'), treeless = join(folder, 'treeless-clone.git');
  makeRepository(origin, [...HISTORY, { files: { 'test_b.py': testOf(9) } }]);
  git(origin, ['config', 'uploadpack.allowFilter', 'true']);
  const { text } = await build(origin, EVOLUTION);
  for (const [clone, filter] of [[blobless, 'blob:none'], [treeless, 'tree:0']] as const) {
    git(origin, ['clone', '--quiet', '--bare', `--filter=${filter}`, `file://${origin}`, clone]);
    const failure = await build(clone, EVOLUTION).then(() => '', (error: Error) => error.message);
    const [, commands] = /Complete it: (git .*)$/.exec(failure) ?? assert.fail(failure);
    execFileSync('sh', ['-c', commands!], { stdio: 'pipe' });
    const name = basename(clone, '.git');
    assert.equal((await build(clone, EVOLUTION)).text.replaceAll(new RegExp(`"(id|repo)":"${name}`, 'g'), '"$1":"origin'), text);
  }
});

test('attributes and grafts of a folder change nothing: the objects decide', async () => {
  const plain = join(folder, 'alone.git');
  const ids = makeRepository(plain, [...HISTORY, { files: { 'a.py': 'a = 7\n', 'test_b.py': testOf(9) } }]);
  const { text } = await build(plain, EVOLUTION);
  const changes: Record<string, (gitDir: string) => void> = {
    attributes: (gitDir) => writeFileSync(join(gitDir, 'info/attributes'), '*.py -diff\n'),
    grafts: (gitDir) => writeFileSync(join(gitDir, 'info/grafts'), `${ids.at(-1)}\n`),
  };
  for (const [name, change] of Object.entries(changes)) {
    const odd = join(folder, `${name}.git`);
    cpSync(plain, odd, { recursive: true });
    mkdirSync(join(odd, 'info'), { recursive: true });
    change(odd);
    assert.equal((await build(odd, EVOLUTION)).text.replaceAll(new RegExp(`"(id|repo)":"${name}`, 'g'), '"$1":"alone'), text, name);
  }
});

test("what git says of a repository that it cannot read is passed on", async () => {
  const newer = join(folder, 'newer.git');
  makeRepository(newer, HISTORY);
  appendFileSync(join(newer, 'config'), '[core]\n\trepositoryformatversion = 1\n[extensions]\n\tfromTheFuture = true\n');
  for (const track of [EVOLUTION, STATIC]) await assert.rejects(build(newer, track), /git rev-parse failed in .*newer\.git: unknown repository extension found: fromthefuture\.$/);
});

test("the repository's settings of how git prints change nothing", async () => {
  const plain = join(folder, 'printed.git'), odd = join(folder, 'odd.git');
  const long = (n: number, m: number): string => Array.from({ length: 40 }, (_, i) => (i === 5 ? `five = ${n}\n` : i === 16 ? `sixteen = ${m}\n` : i % 3 ? `x${i} = ${i}\n` : '\n')).join('');
  makeRepository(plain, [
    { files: { 'a.py': long(0, 0), 'b.py': 'b = 1\n', 'sub.py': { submodule: '1'.repeat(40) }, 'test_a.py': testOf(0) } },
    { files: { 'a.py': long(1, 1), 'b.py': 'b = 2\n', 'sub.py': { submodule: '2'.repeat(40) }, 'test_a.py': testOf(1) } },
    { files: { 'a.py': null, 'moved.py': long(1, 2), 'test_a.py': testOf(2) } },
  ]);
  cpSync(plain, odd, { recursive: true });
  writeFileSync(join(folder, 'order'), 'b.py\n');
  appendFileSync(join(odd, 'config'), `
[core]
 bare = false
 worktree = /
 quotePath = true
[log]
 showRoot = false
 date = relative
 follow = true
 diffMerges = off
 decorate = full
[format]
 pretty = full
[color]
 ui = always
[diff]
 interHunkContext = 50
 context = 9
 suppressBlankEmpty = true
 noprefix = true
 mnemonicPrefix = true
 submodule = log
 ignoreSubmodules = all
 relative = true
 renames = false
 algorithm = histogram
 indentHeuristic = false
 orderFile = ${join(folder, 'order')}
 wordRegex = .
 statGraphWidth = 3
`);
  for (const track of [EVOLUTION, STATIC]) {
    const { text } = await build(plain, track);
    assert.equal((await build(odd, track)).text.replaceAll(/"(id|repo)":"odd/g, '"$1":"printed'), text);
  }
});

test('broken repositories are one line each, and others are read all the same', async () => {
  const good = join(folder, 'good.git'), at = (name: string): string => join(folder, name);
  const [, , head] = makeRepository(good, [...HISTORY, { files: { 'large.py': noise(300_000) } }]);
  git(good, ['repack', '-adq']);
  cpSync(good, at('truncated.git'), { recursive: true });
  const pack = join(at('truncated.git'), 'objects/pack', readdirSync(join(good, 'objects/pack')).find((name) => name.endsWith('.pack'))!);
  chmodSync(pack, 0o644);
  truncateSync(pack, 1000);
  cpSync(good, at('treeless.git'), { recursive: true });
  loosen(at('treeless.git'));
  const tree = git(good, ['rev-parse', `${head}^{tree}`]).toString().trim();
  rmSync(join(at('treeless.git'), 'objects', tree.slice(0, 2), tree.slice(2)));
  makeRepository(at('empty.git'), []);
  mkdirSync(at('no repository'));
  writeFileSync(at('a file'), 'x');
  git(good, ['clone', '--quiet', '--depth=1', '--no-checkout', `file://${good}`, at('shallow')]);
  execFileSync('git', ['-C', at('shallow'), 'worktree', 'add', '--quiet', '--detach', '--no-checkout', at('shallow-tree')]);
  mkdirSync(at('lost'));
  writeFileSync(join(at('lost'), '.git'), 'gitdir: /nowhere/at/all\n');
  cpSync(good, at('headless.git'), { recursive: true });
  writeFileSync(join(at('headless.git'), 'HEAD'), '\0\0garbage');

  const reasons: Record<string, RegExp> = {
    'truncated.git': /git|no commit/, 'treeless.git': /^git log failed in /, 'empty.git': /^empty has no commit HEAD .*fetch it anew/,
    'no repository': /no git repository at .*give a clone/, 'a file': /no git repository/, nothing: /no git repository/, lost: /no git repository/,
    shallow: /shallow clone: run "git fetch --unshallow"/, 'shallow-tree': /shallow clone/, 'headless.git': /not a git repository/,
  };
  for (const track of [EVOLUTION, STATIC]) {
    const pins = [...Object.keys(reasons).map((name) => localPin(at(name), 'train')), { ...localPin(good, 'train'), id: 'pinned', commit: '0'.repeat(40) }, localPin(good, 'cr_test')];
    // The snapshot of a repository that lacks an older tree is whole.
    const readable = track === STATIC ? ['treeless.git'] : [];
    const out = at(`broken-${track.track}`);
    const report = await curate(gitSource(pins, { cacheDir: at('cache'), cutoff: 1e12 }, silent), track, out);
    assert.deepEqual(report.repositories.map(({ id }) => id).filter((id) => id !== 'treeless'), ['good']);
    assert.equal(report.unusable.length + report.repositories.length, pins.length);
    for (const [name, pattern] of Object.entries(reasons)) {
      const found = report.unusable.find(({ id }) => id === localPin(at(name), 'train').id);
      if (!found) assert.ok(readable.includes(name), `${name} is not among ${JSON.stringify(report.unusable)}`);
      else assert.match(found.reason, pattern);
    }
    assert.match(report.unusable.find(({ id }) => id === 'pinned')!.reason, /^pinned has no commit 0{40} /);
    for (const { reason } of report.unusable) assert.ok(!reason.includes('\n') && reason.endsWith('.'), reason);
  }
});

test('names, links, submodules and pointers that are not plain files are left out and counted', async () => {
  const gitDir = join(folder, 'names.git');
  const [id] = makeRepository(gitDir, [{ files: {
    'ok.py': 'ok = 1\n', 'test_ok.py': testOf(0), 'OK.py': 'clash\n', 'tests/Test_x.py': testOf(1), 'tests/test_x.py': testOf(2),
    '../../outside_test.py': testOf(3), 'tests/../test_dots.py': testOf(4), 'a\\..\\test_back.py': testOf(5), 'C:test.py': testOf(6),
    '"test_tab\\t.py"': testOf(7), '"test_new\\nline.py"': testOf(8), '"test_\\377.py"': testOf(9), '"test_\\001.py"': testOf(10),
    'test_link.py': { link: '/etc/passwd' }, 'test_sub.py': { submodule: '3'.repeat(40) }, 'test_latin.py': Buffer.from('# \xe4', 'latin1'),
    'test_lfs.py': `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`,
    '.git/test_hidden.py': testOf(11), 'x.bin': 'binary', 'é/test_é.py': testOf(12),
  } }]);
  const { files, refused } = await filesAt(gitDir, id!);
  assert.deepEqual(files.map(({ path }) => path).sort(), ['.git/test_hidden.py', 'OK.py', 'test_latin.py', 'test_ok.py', 'tests/Test_x.py', 'é/test_é.py']);
  assert.deepEqual(refused, {
    'path leaves the archive': 2, 'backslash or drive path': 2, 'unreadable name': 4, 'duplicate or case-clashing name': 2,
    link: 1, submodule: 1, 'LFS pointer': 1, 'not .py, .md or .rst': 1,
  });
  const { report, text } = await build(gitDir, STATIC);
  assert.deepEqual(report.repositories[0]!.unread, { ...refused, 'not UTF-8': 1 });
  assert.deepEqual([...text.matchAll(/number (\d+)/g)].map(([, n]) => Number(n)).sort((a, b) => a - b), [0, 1, 12]);
  const evolution = await build(gitDir, EVOLUTION);
  assert.deepEqual(evolution.report.repositories[0]!.unread,
    { 'path leaves the archive': 2, 'backslash or drive path': 2, 'unreadable name': 4, 'link or submodule': 2, 'not UTF-8': 1 });
  const { report: { repositories: [own] } } = evolution;
  assert.deepEqual([own!.tasks, own!.drops], [4, {}]);
  // A commit row must not print a test that was left out.
  assert.ok(!/number (3|4|5|6|7|8|9|10|11)\b/.test(evolution.text));
});

test('a blob of a gigabyte is not read', async () => {
  const gitDir = join(folder, 'giant.git');
  makeRepository(gitDir, HISTORY);
  const blob = emptyGiant(gitDir, 2 ** 30);
  assert.equal(git(gitDir, ['cat-file', '-s', blob]).toString().trim(), String(2 ** 30));
  git(gitDir, ['fast-import', '--quiet', '--force'], `commit refs/heads/main\ncommitter A <a@b> 1800000000 +0000\ndata 0\nfrom refs/heads/main^0\n`
    + ['test_giant.py', 'giant.py', 'giant.md'].map((name) => `M 100644 ${blob} ${name}\n`).join('') + `M 100644 inline test_a.py\ndata ${testOf(7).length}\n${testOf(7)}\n`);
  const evolution = await build(gitDir, EVOLUTION);
  assert.deepEqual(evolution.report.repositories[0]!.unread, { 'too large': 2 });
  assert.match(evolution.text, /Binary files \/dev\/null and b\/giant\.md differ/);
  assert.ok(evolution.text.length < 100_000);
  assert.deepEqual((await build(gitDir, STATIC)).report.repositories[0]!.unread, { 'not .py, .md or .rst': 1, 'too large': 3 });
});

test('a test file of 100,000 assertions gives eight tasks', async () => {
  const gitDir = join(folder, 'long.git');
  const lines = (more: string): string => `def test_a():\n${Array.from({ length: 99_999 }, (_, i) => `    assert a==${i}\n`).join('')}${more}`;
  const [, head] = makeRepository(gitDir, [{ files: { 'test_a.py': lines('') } }, { files: { 'test_a.py': lines("    assert a == 'last'\n") } }]);
  const counts = newCounts();
  const rows = await collect(curateHistory({ id: 'o/r', licence: 'MIT', split: 'cr_test', gitDir, head: head! },
    { identity: 'assertion', cutoff: Number.POSITIVE_INFINITY, prefix: 'full-file', perCommit: 8, perFile: 8 }, join(folder, 'spool'), counts));
  assert.deepEqual(rows.map(({ commit, tasks }) => [commit.added, tasks.length]), [[99_999, 8], [1, 1]]);
  assert.equal(rows[1]!.tasks[0]!.target, "'last'");
});

test('commits bear any time, and the replay goes on', async () => {
  const gitDir = join(folder, 'times.git');
  makeRepository(gitDir, [HISTORY[0]!]);
  const tree = git(gitDir, ['rev-parse', 'HEAD^{tree}']).toString().trim();
  let parent = '';
  for (const [i, time] of ['0 +0000', '99999999999999999 +0000', '12 +9999', '-5 +0000', 'yesterday', ''].entries()) {
    const files = git(gitDir, ['mktree'], `100644 blob ${git(gitDir, ['hash-object', '-w', '--stdin'], testOf(i)).toString().trim()}\ttest_a.py\n`).toString().trim();
    const text = `tree ${files || tree}\n${parent && `parent ${parent}\n`}author A <a@b> ${time}\ncommitter A <a@b> ${time}\n\nm\n`;
    parent = git(gitDir, ['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'], text).toString().trim();
  }
  const commits = await collect(replay({ gitDir, head: parent }, { identity: 'assertion', cutoff: Number.POSITIVE_INFINITY }, newCounts()));
  assert.equal(commits.length, 6);
  assert.ok(commits.every(({ time, seconds }) => Date.parse(time) / 1000 === seconds && /^\d{4}-/.test(time)));
});

/** Text that does not compress. */
function noise(length: number): Buffer {
  let state = 1;
  return Buffer.from(Array.from({ length }, () => { state = (state * 48271) % 2147483647; return 33 + (state % 90); }));
}

/** Makes each object of a repository a file of its own. */
function loosen(gitDir: string): void {
  const packs = join(gitDir, 'objects/pack');
  const bytes = readdirSync(packs).filter((name) => name.endsWith('.pack')).map((name) => readFileSync(join(packs, name)));
  for (const name of readdirSync(packs)) rmSync(join(packs, name));
  for (const pack of bytes) git(gitDir, ['unpack-objects', '-q'], pack);
}
