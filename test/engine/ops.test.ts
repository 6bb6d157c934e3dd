/** The fused kernels give the values and gradients of the same formulas in TensorFlow ops. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as composite from '../../lib/dist/engine/composite.js';
import * as ops from '../../lib/dist/engine/ops.js';
import { AdamW } from '../../lib/dist/engine/adamw.js';
import { tf, type Tensor, type Tf } from '../../lib/dist/engine/tensorflow.js';

const random = (shape: number[], seed: number): Tensor => tf.randomNormal(shape, 0, 1, 'float32', seed);

function gap(a: Tensor, b: Tensor): number {
  return a.sub(b).abs().max().dataSync()[0]!;
}

/** Largest difference between two functions' values and gradients at the same inputs. */
function compare(f: (...x: Tensor[]) => Tensor, g: (...x: Tensor[]) => Tensor, inputs: Tensor[]): number {
  const dy = random(f(...inputs).shape, 99);
  const grads = (h: typeof f) => tf.grads((...x: Tensor[]) => h(...x).mul(dy).sum() as Tf.Scalar)(inputs);
  const [a, b] = [grads(f), grads(g)];
  return Math.max(gap(f(...inputs), g(...inputs)), ...a.map((x, i) => gap(x, b[i]!)));
}

test('RMSNorm and SwiGLU', () => {
  assert.ok(compare((x, w) => ops.rmsNorm(x!, w!, 1e-6), (x, w) => composite.rmsNorm(x!, w!, 1e-6), [random([33, 48], 1), random([48], 2)]) < 1e-5);
  assert.ok(compare((x) => ops.swiGlu(x!), (x) => composite.swiGlu(x!), [random([33, 96], 3)]) < 1e-5);
});

test('adapted linear: one repository and several, ranks and row counts around the tile sizes, two terms', () => {
  const [input, output] = [48, 80], w = random([input, output], 20);
  for (const [shares, rows, rank] of [[1, 5, 3], [1, 150, 8], [3, 70, 16], [20, 65, 24]] as const) {
    const factors = [random([shares, rank, input], 21), random([shares, rank, output], 22), random([1, 4, input], 23), random([1, 4, output], 24)];
    const terms = ([, a, b, c, d]: Tensor[]) => [{ a: a!, b: b! }, { a: c!, b: d! }];
    const difference = compare((...t) => ops.adaptedLinear(t[0]!, w, terms(t), false), (...t) => composite.adaptedLinear(t[0]!, w, terms(t)),
      [random([shares * rows, input], 25), ...factors]);
    assert.ok(difference < 2e-3, `${shares} shares of ${rows} rows, rank ${rank}: ${difference}`);
  }
});

test('attention: grouped queries, left padding, lengths around the tile size', () => {
  const shape = { heads: 6, kvHeads: 2, dim: 32, theta: 10_000 };
  for (const time of [1, 7, 47, 48, 49, 130]) {
    const start = tf.tensor1d([0, Math.floor(time / 3), time - 1], 'int32');
    const qkv = random([3, time, (6 + 4) * 32], time);
    const difference = compare((x) => ops.attention(x!, start, shape), (x) => composite.attention(x!, start, shape), [qkv]);
    assert.ok(difference < 2e-5, `time ${time}: ${difference}`);
  }
});

test('attention in slices of the queries, as a GPU computes long inputs', () => {
  const shape = { heads: 2, kvHeads: 1, dim: 16, theta: 10_000 };
  const start = tf.tensor1d([0, 700], 'int32');
  const qkv = random([2, 1300, 4 * 16], 11);
  const difference = compare((x) => ops.attention(x!, start, shape), (x) => composite.attention(x!, start, shape), [qkv]);
  assert.ok(difference < 5e-5, `${difference}`);
});

test('cross-entropy over slices, with and without the head gradient', () => {
  const hidden = random([700, 16], 5), head = random([90, 16], 6);
  const target = tf.randomUniform([700], 0, 90, 'int32', 7), weight = tf.randomUniform([700], 0, 1, 'float32', 8);
  const reference = (h?: Tensor, e?: Tensor) => composite.crossEntropy(tf.matMul(h as Tf.Tensor2D, e as Tf.Tensor2D, false, true), target, weight);
  assert.ok(compare((h, e) => ops.headLoss(h!, e!, target, weight, true), reference, [hidden, head]) < 1e-3);
  assert.ok(compare((h) => ops.headLoss(h!, head, target, weight, false), (h) => reference(h, head), [hidden]) < 1e-3);
});

test('AdamW follows its formula, clips by the global norm, and skips a step that is not finite', () => {
  const p0 = [1, -2, 3, 0.5], g = [0.3, -0.4, 0, 1.2];
  const optimiser = new AdamW([tf.keep(tf.tensor2d(p0, [2, 2]))], { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, clip: 0.5 });
  let p = [...p0], m = [0, 0, 0, 0], v = [0, 0, 0, 0];
  const norm = Math.hypot(...g);
  for (let t = 1; t <= 3; t++) {
    assert.ok(Math.abs(optimiser.update([tf.tensor2d(g, [2, 2])], 0.01) - norm) < 1e-6);
    const clipped = g.map((x) => (x * 0.5) / norm);
    m = m.map((x, i) => 0.9 * x + 0.1 * clipped[i]!);
    v = v.map((x, i) => 0.99 * x + 0.01 * clipped[i]! ** 2);
    p = p.map((x, i) => x * (1 - 0.01 * 0.1) - (0.01 * (m[i]! / (1 - 0.9 ** t))) / (Math.sqrt(v[i]! / (1 - 0.99 ** t)) + 1e-8));
  }
  const got = [...optimiser.parameters[0]!.dataSync()];
  got.forEach((x, i) => { assert.ok(Math.abs(x - p[i]!) < 1e-6, `${got} is not ${p}`); });
  optimiser.update([tf.fill([2, 2], Number.NaN)], 0.01);
  assert.deepEqual([...optimiser.parameters[0]!.dataSync()], got);
  assert.equal(optimiser.step, 3);
});
