/** Window vectors against transformers (fixtures/encoder/make.py), independent of their batch, and in bounded memory. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { tf, usesKernels } from '../../lib/dist/engine/tensorflow.js';
import { inPart, type WindowRecipe } from '../../lib/dist/encoder/recipe.js';
import { textVectors, type WindowVectors } from '../../lib/dist/encoder/text-vectors.js';
import { fakeEmbedder } from './fake-embedder.js';
import { nanoEmbedder } from './nano-embedder.js';
import { near } from './near.js';

const nano = nanoEmbedder();
const { files, windows } = JSON.parse(readFileSync('test/fixtures/encoder/repository.json', 'utf8')) as {
  files: Record<string, string>;
  windows: { path: string; recipe: Partial<WindowRecipe>; ids: number[]; ended: number[][]; bare: number[][]; mean: number[][]; max: number[][]; last: number[][] };
};
const all = async (texts: Iterable<string>, embedder = nano, recipe: WindowRecipe = inPart) => {
  const out: WindowVectors[] = [];
  for await (const made of textVectors(texts, embedder, recipe)) out.push(made);
  return out;
};

test("windows, the tokenizer's end token, mean, maximum and last token as transformers gives them", async () => {
  const recipe = { ...inPart, maxWindows: Infinity, ...windows.recipe };
  const text = files[windows.path]!;
  for (const endToken of [true, false]) {
    // Batches are sorted by length: the windows are told apart by their ids.
    const seen: number[][] = [];
    await all([text], {
      ...nano,
      states: (ids) => {
        for (const row of ids.arraySync() as number[][]) seen.push(row);
        return nano.states(ids);
      },
    }, { ...recipe, endToken });
    const time = Math.max(...seen.map((row) => row.length));
    const expected = (endToken ? windows.ended : windows.bare).map((ids) => [...ids, ...Array<number>(time - ids.length).fill(nano.tokenizer.eos)]);
    assert.deepEqual(seen.map(String).sort(), expected.map(String).sort());
  }
  for (const inside of ['mean', 'max', 'last'] as const) {
    const [made] = await all([text], nano, { ...recipe, inside });
    assert.equal(made!.tokens, windows.ids.length);
    assert.equal(made!.vectors.length, windows.ended.length);
    windows[inside].forEach((expected, i) => { near(made!.vectors[i]!, expected, 2e-5); });
  }
});

/** Our kernels keep the bits. TensorFlow's ops, which a GPU runs, choose by the size of a batch how they add up. */
const alike = (actual: WindowVectors[], expected: WindowVectors[]): void => {
  if (usesKernels) assert.deepEqual(actual, expected);
  else actual.forEach((made, i) => made.vectors.forEach((v, j) => near(v, [...expected[i]!.vectors[j]!], 1e-5)));
};

test("a window's vector does not depend on what it is encoded with, to the bit", async () => {
  const recipe = { ...inPart, window: 64, overlap: 8, maxWindows: Infinity };
  const texts = Object.values(files).filter((text) => text.trim());
  const together = await all(texts, nano, recipe), reversed = (await all([...texts].reverse(), nano, recipe)).reverse();
  alike(reversed, together);
  for (const [i, text] of texts.entries()) alike(await all([text], nano, recipe), [together[i]!]);
});

test('a million tokens in small batches, many small texts or one large one, in order', async () => {
  const tokens = 1_000_000;
  const recipe = { ...inPart, maxWindows: Infinity };
  for (const lengths of [[tokens], Array.from({ length: 2000 }, (_, i) => (i % 2 ? 900 : 100))]) {
    // `7 900` stands for 900 tokens of id 7.
    const embedder = fakeEmbedder(32, (text) => Array<number>(Number(text.split(' ')[1])).fill(Number(text.split(' ')[0])));
    const before = tf.memory();
    let drawn = 0, given = 0, waiting = 0, bytes = 0;
    const texts = function* () {
      for (const [i, length] of lengths.entries()) {
        drawn++;
        yield `${i} ${length}`;
      }
    };
    const states = embedder.states;
    embedder.states = function (ids) {
      waiting = Math.max(waiting, drawn - given);
      const out = states.call(this, ids);
      bytes = Math.max(bytes, tf.memory().numBytes - before.numBytes);
      return out;
    };
    for await (const { vectors, tokens } of textVectors(texts(), embedder, recipe)) {
      assert.equal(tokens, lengths[given]);
      for (const vector of vectors) near(vector, new Float32Array(32).fill(given), 1e-3);
      given++;
    }
    assert.equal(given, lengths.length);
    assert.ok(embedder.largest <= 8192, `${embedder.largest} tokens in a batch`);
    assert.ok(bytes < 4e6, `${bytes} bytes of tensors`);
    assert.ok(waiting <= Math.min(lengths.length, 200), `${waiting} texts in memory`);
    // Windows overlap; beyond that hardly anything is read twice or padded.
    assert.ok(embedder.padded < 1.2 * tokens, `${embedder.padded} tokens read`);
    assert.equal(tf.memory().numTensors, before.numTensors);
  }
});

test('texts without tokens give no vectors; values that are not finite are refused', async () => {
  assert.deepEqual(await all(['', '5 5'], fakeEmbedder(2)), [
    { tokens: 0, vectors: [] }, { tokens: 2, vectors: [Float32Array.of(5, 5)] },
  ]);
  const broken = { ...fakeEmbedder(2), states: () => tf.tensor2d([Number.NaN, 1], [1, 2]) };
  await assert.rejects(all(['5'], broken), /not finite/);
});
