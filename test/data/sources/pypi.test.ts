/** pip against a package index on this machine: nothing here needs a network. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Corpus, distributionPath, fetchDistributions, loadRepositories, type Pin } from '../../../lib/dist/data/sources/pypi.js';
import { UserError } from '../../../lib/dist/store/errors.js';
import { sha256 } from '../../../lib/dist/store/hash.js';
import { type ProgressUpdate, silent } from '../../../lib/dist/store/progress.js';
import { wheel } from './archives.js';

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
function publish(name: string): Pin {
  const file = `${name}-1.0-py3-none-any.whl`;
  const bytes = wheel(name, '1.0', [{ name: `${name}/__init__.py`, content: 'x = 1\n' }, { name: `${name}/x.so`, content: '' }]);
  files.set(file, bytes);
  return { name, version: '1.0', file, sha256: sha256(bytes), licence: 'MIT' };
}
const cache = () => mkdtempSync(join(folder, 'cache-'));
/** A UserError of one line that says this. */
const says = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UserError && !error.message.includes('\n'));
  assert.match(error.message, pattern);
  return true;
};

test('wheels are fetched once, verified, and read into repositories', async () => {
  const corpus: Corpus = {
    name: 'two', description: '', python: '3.11', platform: '',
    projects: [{ ...publish('one'), split: 'train' }, { ...publish('two'), split: 'cr_test' }],
  };
  const cacheDir = cache();
  const updates: ProgressUpdate[] = [];
  const repositories = await loadRepositories(corpus, cacheDir, (update) => updates.push(update));
  assert.deepEqual(repositories.map(({ id, version, licence, split, files }) => [id, version, licence, split, files.map((file) => file.path)]), [
    ['one', '1.0', 'MIT', 'train', ['one/__init__.py']],
    ['two', '1.0', 'MIT', 'cr_test', ['two/__init__.py']],
  ]);
  assert.match(updates.at(-1)?.note ?? '', /left out: .*not \.py/);
  const asked = requests;
  await loadRepositories(corpus, cacheDir, silent);
  assert.equal(requests, asked, 'the second time nothing is downloaded');
  assert.deepEqual(readdirSync(join(cacheDir, 'downloads')).sort(), corpus.projects.map((project) => project.file));

  const damaged = distributionPath(corpus.projects[0]!, cacheDir);
  writeFileSync(damaged, 'damaged');
  await fetchDistributions(corpus.projects, cacheDir, silent);
  assert.equal(sha256(readFileSync(damaged)), corpus.projects[0]!.sha256, 'a damaged file in the cache is fetched anew');
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
