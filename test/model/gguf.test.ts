/** Models and tokenizers in GGUF files (test/fixtures/gguf/make.py): the same as transformers' and the tokenizers library's. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { tf } from '../../lib/dist/engine/tensorflow.js';
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { hiddenStates } from '../../lib/dist/model/transformer.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import { openFixture } from './fixture.js';

for (const name of ['qwen2', 'qwen3', 'llama']) {
  test(`${name}: a GGUF file gives the hidden states of the model that it was made from`, () => {
    const { rows, hidden, model } = openFixture(name), converted = loadModel(`test/fixtures/gguf/${name}.gguf`);
    const { rmsEps, maxTokens: _, ...config } = converted.config, { rmsEps: eps, maxTokens: __, ...expected } = model.config;
    assert.deepEqual(config, expected);
    assert.ok(Math.abs(rmsEps / eps - 1) < 1e-6);
    const found = tf.concat(rows.map((ids) => hiddenStates(converted, tf.tensor2d([ids], [1, ids.length], 'int32'))));
    const gap = found.sub(hidden).abs().max().dataSync()[0]!;
    assert.ok(gap < 1e-4, `${gap}`);
  });
}

test('each splitting rule gives the ids of the tokenizers library', () => {
  const { texts, ids, eos, vocabSize } = JSON.parse(readFileSync('test/fixtures/gguf/tokenizer.json', 'utf8')) as
    { texts: string[]; ids: Record<string, number[][]>; eos: number; vocabSize: number };
  for (const [pre, rows] of Object.entries(ids)) {
    const tokenizer = loadTokenizer(`test/fixtures/gguf/tokenizer-${pre}.gguf`);
    assert.deepEqual([tokenizer.eos, tokenizer.vocabSize, [...tokenizer.banned]], [eos, vocabSize, [eos + 1, eos + 2]]);
    texts.forEach((text, i) => {
      assert.deepEqual(tokenizer.encode(text), rows[i], `${pre}: ${JSON.stringify(text)}`);
      // Of the three files one says that texts are ended.
      assert.deepEqual(tokenizer.encodeWithEnd(text), pre === 'qwen2' ? [...rows[i]!, eos] : rows[i]);
      assert.equal(tokenizer.decode(rows[i]!), pre === 'qwen2' ? text.normalize('NFC') : text);
    });
  }
  // The rules differ on these texts, so that one cannot stand for another.
  const [a, b, c] = Object.values(ids).map((rows) => JSON.stringify(rows));
  assert.ok(a !== b && b !== c && a !== c);
});

test('what is not built is refused by name', () => {
  assert.throws(() => loadModel('test/fixtures/gguf/tokenizer-smollm.gguf'), /has no positive number llama\.embedding_length/);
  assert.throws(() => loadTokenizer('test/fixtures/gguf/llama.gguf'), /tokenizer of kind null, and byte-level BPE/);
});
