/** Decoding with the cache gives what the whole sequence, computed anew for every token, gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tf } from '../../lib/dist/engine/tensorflow.js';
import { generate } from '../../lib/dist/model/generate.js';
import { hiddenStates } from '../../lib/dist/model/transformer.js';
import { randomModel } from '../../lib/dist/model/weights.js';
import { Random } from '../../lib/dist/store/random.js';

const config = { vocabSize: 60, hidden: 64, layers: 2, heads: 4, kvHeads: 2, headDim: 16, mlp: 48, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 64 };
const model = randomModel(config, 7);
// Larger weights than a fresh model's, so that the most likely token depends on the context.
model.layers = model.layers.map((l) => ({ ...l, qkv: l.qkv.mul(20), o: l.o.mul(20), gateUp: l.gateUp.mul(10), down: l.down.mul(10) }));

function naive(prompt: number[], eos: number, last: Set<number>, most: number): number[] {
  const out: number[] = [];
  while (out.length < most) {
    const ids = [...prompt, ...out];
    const states = hiddenStates(model, tf.tensor2d([ids], [1, ids.length], 'int32'));
    const logits = tf.matMul(states.slice([ids.length - 1, 0], [1, -1]) as never, model.embed as never, false, true);
    const token = logits.argMax(-1).dataSync()[0]!;
    if (token === eos) break;
    out.push(token);
    if (last.has(token)) break;
  }
  return out;
}

test('a batch of prompts of different lengths, each ending in its own time', () => {
  const random = new Random(1);
  const prompts = Array.from({ length: 40 }, () => Array.from({ length: 1 + random.below(40) }, () => random.below(60)));
  const eos = 3, last = new Set([5, 9]);
  const expected = prompts.map((p) => naive(p, eos, last, 12));
  assert.deepEqual(generate(model, prompts, { maxNewTokens: 12, eos, lastTokens: last }), expected);
  assert.ok(new Set(expected.map((e) => e.length)).size > 2, 'the sequences end at different times');
  assert.ok(new Set(expected.map(String)).size > 10, 'the continuations differ');
});
