/** The three published recipes against transformers and numpy (fixtures/encoder/make.py), and which files are read. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Repository } from '../../lib/dist/data/types.js';
import { diffVectors } from '../../lib/dist/encoder/diff-vector.js';
import { readableFiles } from '../../lib/dist/encoder/files.js';
import { diff, type EncoderRecipe, inPart, paper, released, type WindowRecipe } from '../../lib/dist/encoder/recipe.js';
import { repositoryVector } from '../../lib/dist/encoder/repository-vector.js';
import { VectorCache } from '../../lib/dist/encoder/vector-cache.js';
import { fakeEmbedder } from './fake-embedder.js';
import { nanoEmbedder } from './nano-embedder.js';
import { near } from './near.js';

const root = mkdtempSync(join(tmpdir(), 'vectors-'));
after(() => rmSync(root, { recursive: true }));
interface Expected { recipe: Partial<WindowRecipe>; files: number; vector: number[] }
const nano = nanoEmbedder();
const fixture = JSON.parse(readFileSync('test/fixtures/encoder/repository.json', 'utf8')) as {
  files: Record<string, string>; diff: string; paper: Expected; released: Expected; diffVector: Expected;
};
const repository = (files: Record<string, string>): Repository => ({
  id: 'x', commit: '1', licence: 'MIT', split: 'train', files: Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) })),
});
const vectorOf = (files: Record<string, string>, recipe: EncoderRecipe, embedder = nano) =>
  repositoryVector(readableFiles(repository(files), recipe), new VectorCache(root, embedder, recipe), recipe);
/** Half-precision numbers next to each other, near 1. */
const HALF_STEP = 1e-3;

test('the paper: source and documents, importance, weighted parts', async () => {
  const made = await vectorOf(fixture.files, { ...paper, ...fixture.paper.recipe });
  assert.equal(made.files, fixture.paper.files);
  near(made.vector, fixture.paper.vector, 2e-6);
});

test('the released checkpoints: all Python files, [mean; max], half precision', async () => {
  const made = await vectorOf(fixture.files, { ...released, ...fixture.released.recipe });
  assert.equal(made.files, fixture.released.files);
  near(made.vector, fixture.released.vector, HALF_STEP / 10);
  assert.ok(made.vector.filter((x, i) => x === fixture.released.vector[i]).length > 0.98 * made.vector.length);
});

test('a diff: [max; mean] over its windows, no unit length', async () => {
  const recipe = { ...diff, ...fixture.diffVector.recipe };
  const [vector, none, short] = await diffVectors([fixture.diff, '', 'x = 1\n'], new VectorCache(root, nano, recipe), recipe);
  near(vector!, fixture.diffVector.vector, HALF_STEP);
  assert.deepEqual(none, new Float32Array(512));
  assert.deepEqual(short, new Float32Array(512));
});

test('the published constants', () => {
  assert.deepEqual([paper.window, paper.overlap, paper.minTail], [4096, 512, 16]);
  assert.deepEqual([released.window, released.overlap, released.minTail], [2048, 256, 8]);
  assert.deepEqual([diff.window, diff.overlap, diff.minTail, diff.keepFirst], [512, 64, 16, false]);
});

test('the order in which files are listed changes nothing', async () => {
  const reversed = Object.fromEntries(Object.entries(fixture.files).reverse());
  for (const recipe of [inPart, { ...paper, ...fixture.paper.recipe }, { ...inPart, maxFiles: 2 }, { ...inPart, maxFiles: 2, choose: 'largest' as const }]) {
    assert.deepEqual(await vectorOf(reversed, recipe), await vectorOf(fixture.files, recipe));
  }
});

test('files, windows and pooling by hand, with a model whose vectors are the tokens', async () => {
  const files = { 'a.py': '1 2 3 4 5 6', 'pkg/b.py': '9 9', 'c.md': '100', 'tests/d.py': '1000' };
  const recipe = { ...inPart, window: 4, overlap: 1, minTail: 1, maxWindows: Infinity, final: 'none' as const };
  const vector = async (own: Partial<EncoderRecipe>) => [...(await vectorOf(files, { ...recipe, ...own }, fakeEmbedder(1))).vector];
  // a.py has windows 1 2 3 4 and 4 5 6, of mean 2.5 and 5.
  assert.deepEqual(await vector({}), [(3.75 + 9) / 2, 9]);
  assert.deepEqual(await vector({ overWindows: 'max' }), [(5 + 9) / 2, 9]);
  assert.deepEqual(await vector({ inside: 'last' }), [(5 + 9) / 2, 9]);
  assert.deepEqual(await vector({ inside: 'max' }), [(5 + 9) / 2, 9]);
  assert.deepEqual(await vector({ maxWindows: 1 }), [(2.5 + 9) / 2, 9]);
  assert.deepEqual(await vector({ files: 'source+docs' }), [Math.fround((3.75 + 9 + 100) / 3), 100]);
  assert.deepEqual(await vector({ files: 'all-python' }), [Math.fround((3.75 + 9 + 1000) / 3), 1000]);
  assert.deepEqual(await vector({ maxFiles: 1, choose: 'largest' }), [3.75, 3.75]);
  assert.deepEqual(await vector({ maxFileBytes: 5 }), [9, 9]);
  assert.deepEqual(await vector({ maxFiles: 0 }), [0, 0]);
  assert.deepEqual(await vector({ overFiles: [{ pool: 'max', weight: 2 }] }), [18]);
});

test('a repository without a file to read gives zeros under every recipe', async () => {
  for (const recipe of [paper, released, inPart]) {
    const made = await vectorOf({ 'src/a.c': 'int x;', 'b.py': ' \n' }, recipe);
    assert.deepEqual(made, { vector: new Float32Array(512), files: 0, tokens: 0 });
  }
});
