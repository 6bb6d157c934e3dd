/** The hub's interface on this machine: lists in pages, redirects to another host, ranges. Nothing here needs a network. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { fetchHubDataset, hubFolder } from '../../../lib/dist/data/sources/hub.js';
import { UserError } from '../../../lib/dist/store/errors.js';
import { sha256 } from '../../../lib/dist/store/hash.js';
import { type ProgressUpdate, silent } from '../../../lib/dist/store/progress.js';

const folder = mkdtempSync(join(tmpdir(), 'hub-'));
const dataset = { name: 'code2lora/code2lora-data-snapshots', revision: '0123456789abcdef0123456789abcdef01234567' };
const bytesOf = (seed: number, length: number) => Buffer.from(Array.from({ length }, (_, i) => (i * seed + (i >> 8)) & 255));
const files = new Map<string, Buffer>([
  ['README.md', Buffer.from('# Data')], ['SNAPSHOTS_README.json', Buffer.from('{}')], ['qna/other.parquet', bytesOf(3, 10)],
  ['../../qna/train.parquet', bytesOf(3, 10)], ['qna/train.parquet', bytesOf(5, 3_000_000)], ['qna/ood_test.parquet', bytesOf(7, 1000)],
  ['commits/cr_train.parquet', bytesOf(11, 70_000)],
]);
/** What the hub says of a file, and how much of its content it gave. */
const says = new Map<string, string>(), served = new Map<string, number>();
let requests = 0, breakAfter = Infinity, status = 0, token: string | undefined;

/** The hub redirects to the content's store, here another host name. */
const store = createServer(answer), hub = createServer(answer);
const address = (server: typeof hub, host: string) => `http://${host}:${(server.address() as AddressInfo).port}`;

function answer(request: IncomingMessage, response: ServerResponse): void {
  requests++;
  const url = new URL(request.url!, 'http://hub');
  const resolve = `/datasets/${dataset.name}/resolve/${dataset.revision}/`;
  if (url.pathname.startsWith('/store/')) {
    content(decodeURIComponent(url.pathname.slice(7)), request, response);
  } else if (status) {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: 'Said by\nthe hub' }));
  } else if (token && request.headers.authorization !== `Bearer ${token}`) {
    response.writeHead(401).end();
  } else if (url.pathname === `/api/datasets/${dataset.name}/tree/${dataset.revision}`) {
    const all = [...files].map(([path, bytes]) => ({
      type: 'file', path, size: bytes.length, oid: '1', ...(path.endsWith('.parquet') && { lfs: { oid: says.get(path) ?? sha256(bytes), size: bytes.length } }),
    }));
    const second = url.searchParams.has('cursor');
    if (!second) response.setHeader('link', `<${address(hub, '127.0.0.1')}${url.pathname}?recursive=true&cursor=x>; rel="next"`);
    response.setHeader('content-type', 'application/json').end(JSON.stringify(second ? all.slice(4) : [{ type: 'directory', path: 'qna', size: 0 }, ...all.slice(0, 4)]));
  } else if (url.pathname.startsWith(resolve)) {
    response.writeHead(302, { location: `${address(store, 'localhost')}/store/${url.pathname.slice(resolve.length)}` }).end();
  } else {
    response.writeHead(404, { 'x-error-code': 'RepoNotFound' }).end();
  }
}

function content(path: string, request: IncomingMessage, response: ServerResponse): void {
  assert.equal(request.headers.authorization, undefined, 'a token went to another host');
  const bytes = files.get(path)!;
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const part = from === undefined ? bytes : bytes.subarray(Number(from), to ? Number(to) + 1 : undefined);
  response.writeHead(from === undefined ? 200 : 206, {
    etag: `"${sha256(bytes)}"`, 'content-length': part.length, ...(from !== undefined && { 'content-range': `bytes ${from}-${to}/${bytes.length}` }),
  });
  const probe = to === '0';
  const sent = part.subarray(0, probe ? 1 : breakAfter);
  if (!probe) served.set(path, (served.get(path) ?? 0) + sent.length);
  if (sent.length < part.length) response.write(sent, () => setTimeout(() => response.destroy(), 100));
  else response.end(sent);
}

before(async () => {
  await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => store.listen(0, 'localhost', resolve));
});
beforeEach(() => {
  Object.assign(process.env, { HF_ENDPOINT: `${address(hub, '127.0.0.1')}/` });
  delete process.env['HF_TOKEN'];
  served.clear();
  says.clear();
  [requests, breakAfter, status, token] = [0, Infinity, 0, undefined];
});
after(() => {
  for (const server of [hub, store]) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

const cache = () => mkdtempSync(join(folder, 'cache-'));
const parquet = (path: string) => readdirSync(path, { recursive: true }).map(String).filter((name) => /\.(parquet|part)$/.test(name)).sort();
/** Fails with a UserError of one line that says this. */
const fails = (work: Promise<unknown>, pattern: RegExp) => assert.rejects(work, (error: unknown) => {
  assert.ok(error instanceof UserError, String((error as Error).stack));
  assert.ok(!error.message.includes('\n'));
  assert.match(error.message, pattern);
  return true;
});

test('tables are fetched once under the names of our suites, and what is whole is not fetched again', async () => {
  const cacheDir = cache(), updates: ProgressUpdate[] = [];
  const path = await fetchHubDataset(dataset, cacheDir, (update) => updates.push(update));
  assert.equal(path, hubFolder(dataset, cacheDir));
  assert.deepEqual(parquet(path), ['commits/train.parquet', 'qna/ood_test.parquet', 'qna/train.parquet']);
  assert.deepEqual(readFileSync(join(path, 'qna/train.parquet')), files.get('qna/train.parquet'));
  assert.deepEqual(readFileSync(join(path, 'commits/train.parquet')), files.get('commits/cr_train.parquet'));
  const { done, total, note } = updates.at(-1)!;
  assert.deepEqual([done, total], [4, 4]);
  assert.match(note!, /3 tables are here, 4 other files left out/);
  assert.ok(updates.every((update, i) => update.done >= (updates[i - 1]?.done ?? 0) && update.done <= update.total));

  // One file is damaged: it alone is fetched again. Without damage no hub is needed.
  served.clear();
  writeFileSync(join(path, 'qna/ood_test.parquet'), bytesOf(1, 1000));
  await fetchHubDataset(dataset, cacheDir, silent);
  assert.deepEqual([...served], [['qna/ood_test.parquet', 1000]]);
  requests = 0;
  await fetchHubDataset(dataset, cacheDir, silent);
  assert.equal(requests, 0);
});

test('a transfer that breaks off is gone on with: no byte is sent twice', async () => {
  const cacheDir = cache(), size = files.get('qna/train.parquet')!.length;
  breakAfter = 1_200_000;
  await fails(fetchHubDataset(dataset, cacheDir, silent), /qna\/train\.parquet broke off after 1200000 of 3000000 bytes: run the same command again/);
  await fails(fetchHubDataset(dataset, cacheDir, silent), /broke off after 2400000 of 3000000 bytes/);
  assert.ok(!parquet(hubFolder(dataset, cacheDir)).includes('qna/train.parquet'));
  breakAfter = Infinity;
  const path = await fetchHubDataset(dataset, cacheDir, silent);
  assert.equal(served.get('qna/train.parquet'), size);
  assert.deepEqual(readFileSync(join(path, 'qna/train.parquet')), files.get('qna/train.parquet'));
  assert.ok(parquet(path).every((name) => name.endsWith('.parquet')));
});

test('content that is not what the hub lists is not kept', async () => {
  const cacheDir = cache();
  says.set('qna/train.parquet', sha256('another'));
  await fails(fetchHubDataset(dataset, cacheDir, silent), /qna\/train\.parquet of code2lora\/code2lora-data-snapshots is not what the hub lists \(SHA-256\)/);
  assert.deepEqual(parquet(hubFolder(dataset, cacheDir)), []);
});

test('what stops the hub is said in one line', async () => {
  const other = (more: Partial<typeof dataset>) => fetchHubDataset({ ...dataset, ...more }, cache(), silent);
  await fails(other({ name: 'nobody/nothing' }), /has no dataset nobody\/nothing with a revision 0123/);
  await fails(other({ revision: 'v9' }), /with a revision v9/);
  await fails(other({ name: 'a/../../b' }), /is not a dataset of the hub/);
  await fails(other({ revision: '..' }), /is not a dataset of the hub/);
  for (const [code, pattern] of [[401, /no access.*HF_TOKEN/], [403, /no access/], [500, /HTTP 500.*try again/], [429, /HTTP 429/], [200, /no usable answer/]] as const) {
    status = code;
    await fails(other({}), pattern);
  }
  process.env['HF_ENDPOINT'] = 'not an address';
  await fails(other({}), /HF_ENDPOINT is not an address/);
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  process.env['HF_ENDPOINT'] = address(closed, '127.0.0.1');
  await new Promise((resolve) => closed.close(resolve));
  await fails(other({}), /No connection to http.*ECONNREFUSED/);
});

test('a token opens a dataset that is not public, and goes to the hub alone', async () => {
  token = 'hf_made_up';
  await fails(fetchHubDataset(dataset, cache(), silent), /no access/);
  process.env['HF_TOKEN'] = token;
  const path = await fetchHubDataset(dataset, cache(), silent);
  assert.ok(existsSync(join(path, 'qna/train.parquet')));
});
