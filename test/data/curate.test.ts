/** `code2lora curate` on a repository of one's own: what it prints, that it repeats itself, and what a failed run leaves. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { curate, type CurationReport, type Track } from '../../lib/dist/data/curate.js';
import { readTaskRows } from '../../lib/dist/data/dataset/dataset.js';
import type { Source } from '../../lib/dist/data/types.js';
import { UserError } from '../../lib/dist/store/errors.js';
import { collect, filesUnder, git, makeRepository } from './git-repositories.js';
import { messyHistory } from './messy-history.js';

const folder = mkdtempSync(join(tmpdir(), 'curate-'));
after(() => rmSync(folder, { recursive: true }));
const repository = join(folder, 'shop.git');
makeRepository(repository, [...messyHistory(40, 11), { files: {
  'tests/test_latin.py': Buffer.from('# \xe4\n', 'latin1'), 'tests/test_link.py': { link: 'a' }, 'tests/test_outside.py': 'assert outside == 1\n',
} }]);

const env = { ...process.env, CODE2LORA_OUTPUT: join(folder, 'output') };
const run = (...args: string[]) => spawnSync(process.execPath, ['lib/bin/code2lora.js', 'curate', ...args], { encoding: 'utf8', env });
const local = (track: string, out: string, ...more: string[]) => run('--source', 'git', '--path', repository, '--track', track, '--out', out, ...more);
/** Hashes by the name inside `out`. */
const files = (out: string) => Object.fromEntries(Object.entries(filesUnder(out)).map(([path, hash]) => [path.slice(out.length), hash]));
const sum = (counts: Partial<Record<string, number>>): number => Object.values(counts).reduce<number>((a, b) => a + (b ?? 0), 0);

for (const track of ['static', 'evolution']) {
  test(`${track}: prints what is kept and dropped, writes as much, and the same bytes again`, async () => {
    const [one, two] = [join(folder, `${track}-1`), join(folder, `${track}-2`)];
    const { status, stdout, stderr } = local(track, one);
    assert.equal(status, 0, stderr);
    const report = JSON.parse(readFileSync(join(one, 'curation.json'), 'utf8')) as CurationReport;
    const [own] = report.repositories;
    const rows = (await Promise.all(['train', 'ir_val', 'ir_test'].map((suite) => collect(readTaskRows(join(one, `qna/${suite}.parquet`)))))).flat();
    assert.ok(rows.length > 20 && rows.length === own!.tasks && rows.every(({ repo }) => repo === 'shop'));
    assert.match(stdout, new RegExp(`^${rows.length} tasks of 1 repositories${track === 'evolution' ? `, from ${own!.commitsRead} commits of which ${own!.commits} kept` : ''}\\.$`, 'm'));
    for (const [title, counts] of [['Assertions that gave no task', own!.drops], ['Files not read', own!.unread]] as const) {
      const line = new RegExp(`^${title}: (.*)\\.$`, 'm').exec(stdout)![1]!;
      assert.ok(sum(counts) > 0);
      assert.deepEqual(Object.fromEntries(line.split(', ').map((part) => [part.replace(/^\d+ /, ''), Number.parseInt(part)])), counts);
    }
    assert.match(stdout, /^Leakage: 0 tasks shared/m);
    assert.equal(local(track, two).status, 0);
    assert.deepEqual(files(two), files(one));
    // Again over itself, with other options and back.
    assert.equal(local(track, two, '--prefix', 'full-file').status, 0);
    assert.notDeepEqual(files(two), files(one));
    assert.equal(local(track, two).status, 0);
    assert.deepEqual(files(two), files(one));
  });
}

test('a list of repositories may name its own cut-off', () => {
  const list = join(folder, 'list.json'), out = join(folder, 'cut');
  const cutoff = (...more: string[]): unknown => {
    const { status, stderr } = run('--source', 'git', '--corpus', list, '--track', 'evolution', '--out', out, ...more);
    assert.equal(status, 0, stderr);
    return (JSON.parse(readFileSync(join(out, 'curation.json'), 'utf8')) as CurationReport).options['cutoff'];
  };
  writeFileSync(list, JSON.stringify({ cutoff: '2024-06-01', repositories: [{ id: 'me/shop', path: repository, licence: 'MIT', split: 'train' }] }));
  assert.equal(cutoff(), '2024-06-01T00:00:00.000Z');
  assert.equal(cutoff('--cutoff', '2025-01-01'), '2025-01-01T00:00:00.000Z');
});

test('a run that fails or is killed leaves the earlier result, and the next one its own', async () => {
  const out = join(folder, 'kept');
  assert.equal(local('evolution', out).status, 0);
  const whole = files(out);
  const damaged = join(folder, 'no repository');
  mkdirSync(damaged);
  const failed = run('--source', 'git', '--path', damaged, '--track', 'evolution', '--out', out);
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /^No repository could be used\. There is no git repository at .*\n$/m);
  assert.deepEqual(files(out), whole);

  const child = spawn(process.execPath, ['lib/bin/code2lora.js', 'curate', '--source', 'git', '--path', repository, '--track', 'evolution', '--out', out], { env, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  while (!existsSync(join(out, '.part')) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGKILL');
  await ended;
  assert.equal(child.signalCode, 'SIGKILL', 'it was still at work');
  assert.deepEqual(Object.fromEntries(Object.entries(files(out)).filter(([path]) => !path.startsWith('/.part'))), whole);
  assert.equal(local('evolution', out).status, 0);
  assert.deepEqual(files(out), whole);
});

test('a source that fails in the middle leaves nothing of its own', async () => {
  const out = join(folder, 'middle'), head = git(repository, ['rev-parse', 'main']).toString().trim();
  const evolution: Track = { track: 'evolution', options: { identity: 'assertion', cutoff: Number.POSITIVE_INFINITY, prefix: 'structured', perCommit: 8, perFile: 4 } };
  const source = (error?: Error): Source => ({
    unusable: [],
    async *snapshots() {},
    async *histories() {
      yield { id: 'o/r', licence: 'MIT', split: 'train', gitDir: repository, head };
      if (error) throw error;
    },
  });
  await assert.rejects(curate(source(new Error('no more')), evolution, out), /no more/);
  assert.deepEqual(files(out), {});
  await curate(source(), evolution, out);
  const whole = files(out);
  await assert.rejects(curate(source(new UserError('no more')), evolution, out), /no more/);
  assert.deepEqual(files(out), whole);
});

test('a wrong option is one line that names it', () => {
  writeFileSync(join(folder, 'not.json'), '{');
  const out = join(folder, 'never');
  for (const [args, pattern] of [
    [['--nonsense'], /nonsense/], [['--source', 'svn', '--out', out], /--source is one of git, pypi, synthetic, hub, not svn/],
    [['--source', 'git', '--path', repository], /--out/], [['--source', 'git', '--path', repository, '--out', out, '--track', 'dynamic'], /--track is one of/],
    [['--source', 'git', '--path', repository, '--out', out, '--identity', 'name', '--track', 'evolution'], /--identity is one of/],
    [['--source', 'git', '--path', repository, '--out', out, '--split', 'dev'], /--split is one of/],
    [['--source', 'git', '--path', repository, '--out', out, '--per-commit', '4'], /--per-commit says nothing here: it needs --track evolution/],
    [['--source', 'pypi', '--out', out, '--split', 'train'], /--split says nothing here: it needs --path/],
    [['--source', 'git', '--path', repository, '--out', out, '--mirror', folder], /--mirror says nothing here: it needs a list of repositories/],
    [['--source', 'pypi', '--out', out, '--path', repository], /--path says nothing here: it needs --source git/],
    [['--source', 'synthetic', '--out', out, '--cutoff', '2024-01-01'], /--cutoff says nothing here: it needs --track evolution/],
    [['--source', 'hub', '--dataset', 'a/b', '--revision', 'c', '--out', out], /--out says nothing here: it needs --source git, pypi or synthetic/],
    [['--source', 'git', '--path', repository, '--out', out, '--cutoff', 'soon'], /--cutoff "soon" is no day/],
    [['--source', 'git', '--path', repository, '--out', out, '--track', 'evolution', '--per-file=-1'], /--per-file needs a whole number/],
    [['--source', 'git', '--corpus', join(folder, 'none.json'), '--out', out], /none\.json: it cannot be read \(ENOENT\)/],
    [['--source', 'git', '--corpus', join(folder, 'not.json'), '--out', out], /is not JSON/],
  ] as const) {
    const { status, stdout, stderr } = run(...args);
    assert.deepEqual([status, stdout], [1, ''], args.join(' '));
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    assert.match(stderr, pattern);
  }
  assert.ok(!existsSync(out));
  assert.match(run('--help').stdout, /^Usage: /);
});
