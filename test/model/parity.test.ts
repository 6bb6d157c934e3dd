/**
 * The transformer against Hugging Face transformers, on the models of test/fixtures/model: hidden states and logits of
 * rows of different lengths, with and without padding. Distances are the largest absolute difference of any value;
 * values are of order 1.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tf, type Tensor } from '../../lib/dist/engine/tensorflow.js';
import { hiddenStates, logits } from '../../lib/dist/model/transformer.js';
import { gap, MODELS, openFixture } from './fixture.js';

for (const name of MODELS) {
  const { model, rows, hidden, logits: expectedLogits } = openFixture(name);
  const longest = Math.max(...rows.map((r) => r.length));

  /** States of the real tokens of a padded batch, row after row: [tokens, h]. */
  function padded(side: 'left' | 'right'): Tensor {
    const fill = (r: number[]) => Array<number>(longest - r.length).fill(7);
    const ids = tf.tensor2d(rows.map((r) => (side === 'left' ? [...fill(r), ...r] : [...r, ...fill(r)])), [rows.length, longest], 'int32');
    const first = rows.map((r) => (side === 'left' ? longest - r.length : 0));
    const states = hiddenStates(model, ids, side === 'left' ? { start: tf.tensor1d(first, 'int32') } : {});
    const real = rows.flatMap((r, b) => r.map((_, i) => b * longest + first[b]! + i));
    return tf.gather(states, tf.tensor1d(real, 'int32'));
  }

  test(`${name}: rows one by one`, () => {
    const states = tf.concat(rows.map((r) => hiddenStates(model, tf.tensor2d([r], [1, r.length], 'int32'))));
    assert.ok(gap(states, hidden) < 1e-4);
    if (expectedLogits) assert.ok(gap(logits(model, states), expectedLogits) < 1e-4);
    assert.ok(hidden.abs().max().dataSync()[0]! > 1, 'values are of order 1');
  });

  test(`${name}: padded on the left, and on the right`, () => {
    for (const side of ['left', 'right'] as const) assert.ok(gap(padded(side), hidden) < 1e-4, side);
  });
}
