/** pip against a package index on this machine: nothing here needs a network. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Corpus, distributionPath, fetchDistributions, type Pin, pypiSource, type Release } from '../../../lib/dist/data/sources/pypi.js';
import { UserError } from '../../../lib/dist/store/errors.js';
import { sha256 } from '../../../lib/dist/store/hash.js';
import { type ProgressUpdate, silent } from '../../../lib/dist/store/progress.js';
import { type Entry, wheel } from './archives.js';

const folder = mkdtempSync(join(tmpdir(), 'pypi-'));
const files = new Map<string, Buffer>();
let requests = 0;
const server = createServer((request, response) => {
  requests++;
  const [, kind, name] = (request.url ?? '').split('/');
  if (kind === 'simple') {
    const links = [...files.keys()].filter((file) => file.startsWith(`${name}-`)).map((file) => `<a href="/files/${file}">${file}</a>`);
    response.setHeader('content-type', 'text/html').writeHead(links.length ? 200 : 404).end(`<!DOCTYPE html><html><body>${links.join('')}</body></html>`);
    return;
  }
  const bytes = files.get(name ?? '') ?? Buffer.alloc(0);
  if (name?.startsWith('cut-')) {
    response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 100), () => response.destroy());
  } else {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  }
});

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  useIndex((server.address() as AddressInfo).port);
});
after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function useIndex(port: number): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('PIP_')) delete process.env[name];
  Object.assign(process.env, { PIP_CONFIG_FILE: '/dev/null', PIP_NO_CACHE_DIR: '1', PIP_INDEX_URL: `http://127.0.0.1:${port}/simple`, NO_PROXY: '127.0.0.1' });
}

/** A wheel on the index, and its pin. */
function publish(name: string, version = '1.0', more: readonly Entry[] = []): Pin {
  const file = `${name}-${version}-py3-none-any.whl`;
  const bytes = wheel(name, version, [{ name: `${name}/__init__.py`, content: 'x = 1\n' }, { name: `${name}/x.so`, content: '' }, ...more]);
  files.set(file, bytes);
  return { name, version, file, sha256: sha256(bytes), licence: 'MIT' };
}
/** An earlier version on the index. */
function release(name: string, version: string, uploaded: string, more: readonly Entry[] = []): Release {
  const { file, sha256 } = publish(name, version, more);
  return { version, file, sha256, uploaded };
}
const corpusOf = (projects: Corpus['projects'], releases: Record<string, Release[]> = {}): Corpus =>
  ({ name: 'test', description: '', python: '3.11', platform: '', projects, releases });
async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
const git = (gitDir: string, ...args: string[]) => execFileSync('git', [`--git-dir=${gitDir}`, ...args], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
const cache = () => mkdtempSync(join(folder, 'cache-'));
/** A UserError of one line that says this. */
const says = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UserError && !error.message.includes('\n'));
  assert.match(error.message, pattern);
  return true;
};

test('wheels are fetched once, verified, and read into repositories, training first', async () => {
  const corpus = corpusOf([{ ...publish('two'), split: 'cr_test' }, { ...publish('three'), split: 'cr_val' }, { ...publish('one'), split: 'train' }]);
  const cacheDir = cache();
  const updates: ProgressUpdate[] = [];
  const repositories = await all(pypiSource(corpus, cacheDir, (update) => updates.push(update)).snapshots());
  assert.deepEqual(repositories.map(({ id, commit, licence, split, files }) => [id, commit, licence, split, files.map((file) => file.path)]), [
    ['one', '1.0', 'MIT', 'train', ['one/__init__.py']],
    ['three', '1.0', 'MIT', 'cr_val', ['three/__init__.py']],
    ['two', '1.0', 'MIT', 'cr_test', ['two/__init__.py']],
  ]);
  assert.match(updates.at(-1)?.note ?? '', /left out: .*not \.py/);
  const asked = requests;
  await all(pypiSource(corpus, cacheDir, silent).snapshots());
  assert.equal(requests, asked, 'the second time nothing is downloaded');
  assert.deepEqual(readdirSync(join(cacheDir, 'downloads')).sort(), corpus.projects.map((project) => project.file).sort());

  const damaged = distributionPath(corpus.projects[0]!, cacheDir);
  writeFileSync(damaged, 'damaged');
  await fetchDistributions(corpus.projects, cacheDir, silent);
  assert.equal(sha256(readFileSync(damaged)), corpus.projects[0]!.sha256, 'a damaged file in the cache is fetched anew');
});

test('releases become commits, one each, at the time of their upload', async () => {
  const times = ['2019-02-28T23:59:59Z', '2021-01-01T00:00:00Z', '2024-06-30T12:34:56Z'];
  const changes: Entry[][] = [
    [{ name: 'old/gone.py', content: 'gone = 1\n' }, { name: 'old/tests/test_a.py', content: 'def test_a():\n    assert 1 == 1\n' }],
    [{ name: 'old/tests/test_a.py', content: '# über\ndef test_a():\n    assert 1 + 1 == 2\n' }],
    [{ name: 'old/notes in text.rst', content: 'A title\n' }],
  ];
  const releases = changes.map((more, i) => release('old', `0.${i + 1}`, times[i]!, more));
  const corpus = corpusOf(
    [{ ...publish('held'), split: 'cr_test' }, { ...publish('alone'), split: 'train' }, { ...publish('old'), split: 'train' }],
    { held: [release('held', '0.1', '2020-01-01T00:00:00Z'), release('held', '0.2', '2020-01-02T00:00:00Z')], old: releases });
  const cacheDir = cache();
  const updates: ProgressUpdate[] = [];
  const histories = await all(pypiSource(corpus, cacheDir, (update) => updates.push(update)).histories());
  assert.deepEqual(histories.map(({ id, licence, split }) => [id, licence, split]), [['old', 'MIT', 'train'], ['held', 'MIT', 'cr_test']]);
  // Five wheels, each with one .so and the three files of its .dist-info.
  assert.match(updates.at(-1)?.note ?? '', /^left out: 20 not \.py/);

  const { gitDir, head } = histories[0]!;
  const commits = git(gitDir, 'log', '--first-parent', '--reverse', '--date=format-local:%Y-%m-%dT%H:%M:%SZ', '--format=%H %s %ad %cd', head).trim().split('\n').map((line) => line.split(' '));
  assert.deepEqual(commits.map((fields) => fields.slice(1)), releases.map(({ version, uploaded }) => [version, uploaded, uploaded]));
  assert.equal(commits.at(-1)![0], head);
  for (const [i, more] of changes.entries()) {
    const commit = commits[i]![0]!;
    const names = git(gitDir, 'ls-tree', '-rz', '--name-only', commit).split('\0').filter(Boolean);
    assert.deepEqual(names.sort(), ['old/__init__.py', ...more.map(({ name }) => name)].sort());
    for (const { name, content } of more) assert.equal(git(gitDir, 'show', `${commit}:${name}`), content);
  }
  assert.equal(git(gitDir, 'fsck', '--strict').trim(), '');

  const asked = requests;
  assert.deepEqual(await all(pypiSource(corpus, cacheDir, silent).histories()), histories);
  assert.equal(requests, asked, 'what is written is not fetched again');
  const elsewhere = await all(pypiSource(corpus, cache(), silent).histories());
  assert.deepEqual(elsewhere.map((history) => history.head), histories.map((history) => history.head));
  const fewer = await all(pypiSource({ ...corpus, releases: { old: releases.slice(1) } }, cacheDir, silent).histories());
  assert.notEqual(fewer[0]!.gitDir, gitDir, 'other pins, another repository');
  assert.equal(git(fewer[0]!.gitDir, 'rev-list', '--count', 'HEAD').trim(), '2');
});

test('releases with a mistake are refused before anything is fetched', async () => {
  const projects: Corpus['projects'] = [{ ...publish('pkg'), split: 'train' }];
  const early = release('pkg', '0.1', '2020-01-01T00:00:00Z'), late = release('pkg', '0.2', '2021-01-01T00:00:00Z');
  const asked = requests;
  const refused = (releases: Record<string, Release[]>, pattern: RegExp) =>
    assert.rejects(all(pypiSource(corpusOf(projects, releases), cache(), silent).histories()), says(pattern));
  await refused({ pkg: [late, early] }, /pkg are out of order: 0\.1 .* stands after 0\.2/);
  await refused({ pkg: [early, { ...late, uploaded: early.uploaded }] }, /out of order/);
  await refused({ pkg: [{ ...early, uploaded: '2020-13-01T00:00:00Z' }] }, /no time/);
  await refused({ pkg: [{ ...early, uploaded: 'yesterday' }] }, /no time/);
  await refused({ other: [early] }, /other, which is not among its projects/);
  await refused({ pkg: [{ ...early, file: '../pkg.whl' }] }, /not usable/);
  assert.equal(requests, asked);
});

test('a wrong hash keeps nothing', async () => {
  const pin = { ...publish('other'), sha256: '0'.repeat(64) };
  const cacheDir = cache();
  await assert.rejects(fetchDistributions([pin], cacheDir, silent), says(/other.* does not have the pinned SHA-256/));
  assert.ok(!existsSync(distributionPath(pin, cacheDir)));
});

test('a broken download, an unknown project and a missing index are told apart', async () => {
  await assert.rejects(fetchDistributions([publish('cut')], cache(), silent), says(/download.* broke off/));
  const unknown = { ...publish('known'), name: 'unknown' };
  await assert.rejects(fetchDistributions([unknown], cache(), silent), says(/no wheel for unknown==1\.0/));
  const { port } = server.address() as AddressInfo;
  useIndex(1);
  await assert.rejects(fetchDistributions([publish('alone')], cache(), silent), says(/No connection to the package index/));
  useIndex(port);
});

test('finished downloads stay when a later batch fails', async () => {
  const pins = Array.from({ length: 8 }, (_, i) => publish(`kept${i}`));
  const cacheDir = cache();
  await assert.rejects(fetchDistributions([...pins, { ...publish('last'), sha256: 'f'.repeat(64) }], cacheDir, silent), says(/last/));
  assert.deepEqual(readdirSync(join(cacheDir, 'downloads')).sort(), pins.map((pin) => pin.file));
});

test('no Python, no pip, a full disk: one line each', async () => {
  const fake = (output: string) => {
    const path = join(cache(), 'python');
    writeFileSync(path, `#!/bin/sh\necho "${output}" >&2\nexit 1\n`, { mode: 0o755 });
    return path;
  };
  const pin = publish('pkg');
  await assert.rejects(fetchDistributions([pin], cache(), silent, '/nowhere/python'), says(/Python was not found/));
  await assert.rejects(fetchDistributions([pin], cache(), silent, fake('python: No module named pip')), says(/has no pip/));
  await assert.rejects(fetchDistributions([pin], cache(), silent, fake('OSError: [Errno 28] No space left on device')), says(/disk is full/));
});

test('a pin cannot smuggle in pip options or paths', async () => {
  for (const bad of [{ name: 'a --index-url=x' }, { file: '../a.whl' }, { version: '1\n-e .' }, { sha256: 'abc' }])
    await assert.rejects(fetchDistributions([{ ...publish('pkg'), ...bad }], cache(), silent), says(/not usable/));
});
