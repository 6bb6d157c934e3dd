/** The published tables from a stand-in for the hub. Nothing here needs a network. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { fetchHubDataset } from '../../../lib/dist/data/sources/hub.js';
import { sha256 } from '../../../lib/dist/store/hash.js';
import { hubFolder } from '../../../lib/dist/store/hub.js';
import { type ProgressUpdate, silent } from '../../../lib/dist/store/progress.js';
import { address, bytesOf, fails, StandInHub } from '../../stand-in-hub.js';

const folder = mkdtempSync(join(tmpdir(), 'hub-'));
const dataset = { type: 'dataset' as const, name: 'code2lora/code2lora-data-snapshots', revision: '0123456789abcdef0123456789abcdef01234567' };
const hub = new StandInHub(dataset.type, dataset.name, dataset.revision), { says, served } = hub;
const files = hub.files = new Map([
  ['README.md', Buffer.from('# Data')], ['SNAPSHOTS_README.json', Buffer.from('{}')], ['qna/other.parquet', bytesOf(3, 10)],
  ['../../qna/train.parquet', bytesOf(3, 10)], ['qna/train.parquet', bytesOf(5, 3_000_000)], ['qna/ood_test.parquet', bytesOf(7, 1000)],
  ['commits/cr_train.parquet', bytesOf(11, 70_000)],
]);

before(() => hub.start());
beforeEach(() => hub.reset());
after(() => {
  hub.stop();
  rmSync(folder, { recursive: true });
});

const cache = () => mkdtempSync(join(folder, 'cache-'));
const parquet = (path: string) => readdirSync(path, { recursive: true }).map(String).filter((name) => /\.(parquet|part)$/.test(name)).sort();

test('tables are fetched once under the names of our suites, and what is whole is not fetched again', async () => {
  const cacheDir = cache(), updates: ProgressUpdate[] = [];
  const path = await fetchHubDataset(dataset, cacheDir, (update) => updates.push(update));
  assert.equal(path, hubFolder(dataset, cacheDir));
  assert.deepEqual(parquet(path), ['commits/train.parquet', 'qna/ood_test.parquet', 'qna/train.parquet']);
  assert.deepEqual(readFileSync(join(path, 'qna/train.parquet')), files.get('qna/train.parquet'));
  assert.deepEqual(readFileSync(join(path, 'commits/train.parquet')), files.get('commits/cr_train.parquet'));
  const { done, total, note } = updates.at(-1)!;
  assert.deepEqual([done, total], [4, 4]);
  assert.match(note!, /3 files are here, 4 other files left out/);
  assert.ok(updates.every((update, i) => update.done >= (updates[i - 1]?.done ?? 0) && update.done <= update.total));

  // One file is damaged: it alone is fetched again. Without damage no hub is needed.
  served.clear();
  writeFileSync(join(path, 'qna/ood_test.parquet'), bytesOf(1, 1000));
  await fetchHubDataset(dataset, cacheDir, silent);
  assert.deepEqual([...served], [['qna/ood_test.parquet', 1000]]);
  hub.requests = 0;
  await fetchHubDataset(dataset, cacheDir, silent);
  assert.equal(hub.requests, 0);
});

test('of two files for one place the first listed is taken', async (t) => {
  files.set('data/qna/ood_test.parquet', bytesOf(13, 500));
  t.after(() => files.delete('data/qna/ood_test.parquet'));
  const path = await fetchHubDataset(dataset, cache(), silent);
  assert.deepEqual(readFileSync(join(path, 'qna/ood_test.parquet')), files.get('qna/ood_test.parquet'));
});

test('a transfer that breaks off is gone on with: no byte is sent twice', async () => {
  const cacheDir = cache(), size = files.get('qna/train.parquet')!.length;
  hub.breakAfter = 1_200_000;
  await fails(fetchHubDataset(dataset, cacheDir, silent), /qna\/train\.parquet broke off after 1200000 of 3000000 bytes: run the same command again/);
  await fails(fetchHubDataset(dataset, cacheDir, silent), /broke off after 2400000 of 3000000 bytes/);
  assert.ok(!parquet(hubFolder(dataset, cacheDir)).includes('qna/train.parquet'));
  hub.breakAfter = Infinity;
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
    hub.status = code;
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
  hub.token = 'hf_made_up';
  await fails(fetchHubDataset(dataset, cache(), silent), /no access/);
  process.env['HF_TOKEN'] = hub.token;
  const path = await fetchHubDataset(dataset, cache(), silent);
  assert.ok(existsSync(join(path, 'qna/train.parquet')));
});
