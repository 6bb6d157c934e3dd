/** Source distributions from a package index on this machine: found by its list, checked by hash, read and never run. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { distributionPath, fetchDistributions, type Pin, pypiSource } from '../../../lib/dist/data/sources/pypi.js';
import { UserError } from '../../../lib/dist/store/errors.js';
import { sha256 } from '../../../lib/dist/store/hash.js';
import { silent } from '../../../lib/dist/store/progress.js';
import { tarGz, zip } from './archives.js';

const folder = mkdtempSync(join(tmpdir(), 'sdists-')), ran = join(folder, 'ran');
const files = new Map<string, Buffer>();
let served = 0;
/** What a request must bear. */
let needs: string | undefined;
const server = createServer((request, response) => {
  const [, kind, name] = (request.url ?? '').split('/');
  if (needs !== undefined && request.headers.authorization !== needs) return response.writeHead(401).end();
  if (kind === 'files') {
    served++;
    return response.end(files.get(name!));
  }
  if (name === 'old') return response.setHeader('content-type', 'text/html').end('<html></html>');
  const own = [...files.keys()].filter((file) => file.startsWith(`${name}-`));
  if (!own.length) return response.writeHead(404).end();
  assert.match(String(request.headers.accept), /application\/vnd\.pypi\.simple\.v1\+json/);
  // Addresses as an index gives them, relative to its page too.
  return response.setHeader('content-type', 'application/vnd.pypi.simple.v1+json').end(JSON.stringify({ files: own.map((filename) => ({ filename, url: `../../files/${filename}` })) }));
});
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env['PIP_INDEX_URL'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple/`;
});
after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function publish(name: string, pack: 'tar.gz' | 'zip' = 'tar.gz'): Pin {
  const top = `${name}-1.0`, file = `${top}.${pack}`;
  const entries = [
    { name: `${top}/setup.py`, content: `open(${JSON.stringify(ran)}, 'w').write('ran')\n` }, { name: `${top}/${name}/__init__.py`, content: 'x = 1\n' },
    { name: `${top}/tests/test_x.py`, content: 'def test_x():\n    assert 1 == 1\n' },
  ];
  const bytes = pack === 'zip' ? zip(entries) : tarGz(entries);
  files.set(file, bytes);
  return { name, version: '1.0', file, sha256: sha256(bytes), licence: 'MIT' };
}
const cache = () => mkdtempSync(join(folder, 'cache-'));
const says = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UserError && !error.message.includes('\n'), String(error));
  assert.match(error.message, pattern);
  return true;
};

test('archives of both kinds are fetched once and read without their top folder; no setup.py is run', async () => {
  const projects = [{ ...publish('tarred'), split: 'train' as const }, { ...publish('zipped', 'zip'), split: 'cr_test' as const }];
  const cacheDir = cache(), read = async () => {
    const list = [];
    for await (const repository of pypiSource({ name: 'test', description: '', python: 'any', platform: 'any', projects }, cacheDir, silent).snapshots()) list.push(repository);
    return list;
  };
  for (const repository of await read()) assert.deepEqual(repository.files.map(({ path }) => path), ['setup.py', `${repository.id}/__init__.py`, 'tests/test_x.py']);
  const before = served;
  await read();
  assert.equal(served, before);
  assert.ok(!existsSync(ran));
});

test('what is not the pinned file is refused in one line, and nothing of it is kept; what was whole stays', async () => {
  const cacheDir = cache(), good = publish('good'), other = { ...publish('other'), sha256: 'a'.repeat(64) };
  await assert.rejects(fetchDistributions([good, other], cacheDir, silent), says(/other-1\.0\.tar\.gz does not have the pinned SHA-256/));
  assert.deepEqual(readdirSync(join(cacheDir, 'downloads')), ['good-1.0.tar.gz']);
  await fetchDistributions([good], cacheDir, silent);
  assert.ok(existsSync(distributionPath(good, cacheDir)));
});

test('an index that has it not, that does not answer, or that gives no list says so in one line', async () => {
  const pin = (name: string): Pin => ({ name, version: '1.0', file: `${name}-1.0.tar.gz`, sha256: 'a'.repeat(64), licence: 'MIT' });
  await assert.rejects(fetchDistributions([pin('absent')], cache(), silent), says(/has no absent/));
  await assert.rejects(fetchDistributions([{ ...publish('newer'), file: 'newer-2.0.tar.gz' }], cache(), silent), says(/has no file newer-2\.0\.tar\.gz/));
  await assert.rejects(fetchDistributions([pin('old')], cache(), silent), says(/gives no list of files as JSON/));
  const index = process.env['PIP_INDEX_URL'];
  process.env['PIP_INDEX_URL'] = 'http://127.0.0.1:9/simple';
  await assert.rejects(fetchDistributions([pin('unreachable')], cache(), silent), says(/No answer from the package index about unreachable .*run the same command again/));
  process.env['PIP_INDEX_URL'] = 'pypi.org/simple';
  await assert.rejects(fetchDistributions([pin('unreachable')], cache(), silent), says(/PIP_INDEX_URL is no address/));
  process.env['PIP_INDEX_URL'] = index;
});

test('user and password of an index are said to its host, and never shown', async () => {
  const index = process.env['PIP_INDEX_URL']!, pin = publish('guarded');
  process.env['PIP_INDEX_URL'] = index.replace('//', '//me:s%40cret@');
  needs = `Basic ${Buffer.from('me:s@cret').toString('base64')}`;
  try {
    await fetchDistributions([pin], cache(), silent);
    await assert.rejects(fetchDistributions([{ ...pin, name: 'absent', file: 'absent-1.0.tar.gz' }], cache(), silent), (error: Error) => says(/has no absent/)(error) && !/cret/.test(error.message));
  } finally {
    process.env['PIP_INDEX_URL'] = index;
    needs = undefined;
  }
});
