/** Window vectors by content: encoded once, the same bits ever after, and made again when damaged. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inPart, type WindowRecipe } from '../../lib/dist/encoder/recipe.js';
import type { WindowVectors } from '../../lib/dist/encoder/text-vectors.js';
import { blobId, VectorCache } from '../../lib/dist/encoder/vector-cache.js';
import { fakeEmbedder } from './fake-embedder.js';

const root = mkdtempSync(join(tmpdir(), 'windows-'));
after(() => rmSync(root, { recursive: true }));
const recipe: WindowRecipe = { ...inPart, window: 4, overlap: 1, minTail: 2, maxWindows: Infinity };
const blobs = (...texts: string[]) => texts.map((text) => ({ blob: blobId(Buffer.from(text)), text }));
const texts = blobs('1 2 3 4 5 6', '7', '', '9 9 8 8 7 7 6 6 5 5');

async function read(folder: string, of = texts, own = recipe) {
  const embedder = fakeEmbedder(3), cache = new VectorCache(folder, embedder, own);
  const made: WindowVectors[] = [];
  for await (const vectors of cache.windowVectors(of)) made.push(vectors);
  return { made, passes: embedder.passes, counts: cache.counts };
}
const stored = (folder: string) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.safetensors')).map((f) => join(folder, f)).sort();

test("a blob has git's name", () => {
  const text = 'a = "é"\n';
  assert.equal(blobId(Buffer.from(text)), execFileSync('git', ['hash-object', '--stdin'], { input: text }).toString().trim());
});

test('the second time nothing is encoded and every bit is the same', async () => {
  const folder = join(root, 'twice');
  const first = await read(folder);
  assert.deepEqual(first.made.map(({ tokens, vectors }) => [tokens, vectors.map((v) => v[0])]),
    [[6, [2.5, 5]], [1, [7]], [0, []], [10, [8.5, 7, 5.5]]]);
  assert.ok(first.passes > 0);
  const second = await read(folder);
  assert.deepEqual(second.made, first.made);
  assert.equal(second.passes, 0);
  assert.deepEqual(second.counts, { found: 4, encoded: 0, damaged: 0 });
});

test('only a text that is new is encoded, and a repeated one once', async () => {
  const folder = join(root, 'changed');
  await read(folder);
  const { made, counts } = await read(folder, [...texts, ...blobs('3 3', '3 3')]);
  assert.deepEqual(counts, { found: 5, encoded: 1, damaged: 0 });
  assert.deepEqual(made[4], made[5]);
});

test('other windows are other vectors, another limit of files or pooling is not', async () => {
  const folder = join(root, 'recipes');
  await read(folder);
  assert.equal((await read(folder, texts, { ...inPart, ...recipe })).passes, 0);
  for (const other of [{ window: 5 }, { overlap: 0 }, { minTail: 3 }, { keepFirst: false }, { maxWindows: 1 }, { endToken: true }, { inside: 'last' as const }]) {
    assert.ok((await read(folder, texts, { ...recipe, ...other })).passes > 0, JSON.stringify(other));
  }
});

test('what is damaged is made again and counted', async () => {
  const folder = join(root, 'damaged');
  const { made } = await read(folder);
  const whole = stored(folder).map((file) => ({ file, bytes: readFileSync(file) })).sort((a, b) => b.bytes.length - a.bytes.length);
  assert.equal(whole.length, 4);
  const [longest, cut, emptied] = whole;
  const wrong = Buffer.from(longest!.bytes);
  wrong.writeFloatLE(Number.NaN, wrong.length - 4);
  writeFileSync(longest!.file, wrong);
  truncateSync(cut!.file, cut!.bytes.length - 1);
  writeFileSync(emptied!.file, '');
  const again = await read(folder);
  assert.deepEqual(again.made, made);
  assert.deepEqual(again.counts, { found: 1, encoded: 3, damaged: 3 });
  for (const { file, bytes } of whole) assert.deepEqual(readFileSync(file), bytes);
});
