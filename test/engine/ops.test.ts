/** The fused kernels give the values and gradients of the same formulas in TensorFlow ops. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as composite from '../../lib/dist/engine/composite.js';
import * as ops from '../../lib/dist/engine/ops.js';
import { AdamW } from '../../lib/dist/engine/adamw.js';
import { freeze, thaw } from '../../lib/dist/engine/frozen.js';
import { tf, type Tensor, type Tf, usesKernels } from '../../lib/dist/engine/tensorflow.js';

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

test('linear: one repository and several, ranks and row counts around the tile sizes, two terms, bias, residual', () => {
  const [input, output] = [48, 80], w = random([input, output], 20), packed = freeze(w.clone());
  for (const [shares, rows, rank] of [[1, 1, 2], [1, 5, 3], [1, 150, 8], [3, 70, 16], [20, 65, 24]] as const) {
    const x = random([shares * rows, input], 25), bias = random([output], 26), residual = random([shares * rows, output], 27);
    const factors = [random([shares, rank, input], 21), random([shares, rank, output], 22), random([1, 4, input], 23), random([1, 4, output], 24)];
    const terms = ([, , a, b, c, d]: Tensor[]) => [{ a: a!, b: b! }, { a: c!, b: d! }];
    for (const detachInput of [false, true]) {
      const apply = (weight: Tensor) => (...t: Tensor[]) => ops.linear(t[0]!, weight, { bias, residual: t[1]!, terms: terms(t), detachInput });
      const difference = compare(apply(packed), apply(w), [x, residual, ...factors]);
      assert.ok(difference < 2e-3, `${shares} shares of ${rows} rows, rank ${rank}: ${difference}`);
    }
    assert.ok(compare((t) => ops.linear(t!, packed), (t) => tf.matMul(t as Tf.Tensor2D, w as Tf.Tensor2D), [x]) < 1e-4);
  }
});

test('rows whose adapters are told by an owner are those of each adapter alone, to the bit', { skip: !usesKernels }, () => {
  const packed = freeze(random([48, 80], 20)), owners = [2, 2, 0, 1, 1, 1, 0];
  const [a, b] = [random([3, 8, 48], 21), random([3, 8, 80], 22)];
  for (const each of [1, 3, 70]) {
    const x = random([owners.length * each, 48], each);
    const together = ops.linear(x, packed, { terms: [{ a, b, owner: tf.tensor1d(owners, 'int32') }] });
    owners.forEach((owner, g) => {
      const of = (t: Tensor) => t.slice([owner, 0, 0], [1, -1, -1]), rows = (t: Tensor) => t.slice([g * each, 0], [each, -1]);
      assert.deepEqual(rows(together).arraySync(), ops.linear(rows(x), packed, { terms: [{ a: of(a), b: of(b) }] }).arraySync());
    });
  }
});

test('a frozen product: exact against float64, the same bits for a row in any company, floats and bfloat16', { skip: !usesKernels }, () => {
  for (const [input, output] of [[16, 16], [48, 80], [400, 1040], [2064, 48]] as const) {
    const w = random([input, output], input).mul(256).round().div(256);
    for (const half of [false, true]) {
      // Eight bits hold these values.
      const values = half ? w.clipByValue(-0.5, 0.49609375) : w.clone(), packed = freeze(values.clone(), { half });
      assert.deepEqual(thaw(packed).arraySync(), values.arraySync());
      assert.deepEqual([...thaw(freeze(values.clone(), { half, transposed: true }), true).dataSync()], [...values.dataSync()]);
      const rows = random([450, input], output), whole = ops.linear(rows, packed);
      const [x, y, v] = [rows.arraySync() as number[][], whole.arraySync() as number[][], values.arraySync() as number[][]];
      for (const [i, j] of [[0, 0], [449, output - 1], [200, 7]] as const) {
        const exact = x[i]!.reduce((sum, a, p) => sum + a * v[p]![j]!, 0);
        assert.ok(Math.abs(y[i]![j]! - exact) < 1e-6 * input, `${input} x ${output}: ${y[i]![j]} for ${exact}`);
      }
      for (const [from, count] of [[0, 1], [7, 2], [31, 3], [100, 5], [3, 47], [200, 250]] as const) {
        assert.deepEqual(ops.linear(rows.slice([from, 0], [count, -1]), packed).arraySync(), y.slice(from, from + count), `${count} rows`);
      }
      tf.dispose([packed, values]);
    }
  }
});

test('gradients through a frozen product of several slices, floats and bfloat16, and through adapters beyond one pass of the tile', () => {
  const [input, output] = [2064, 400];
  for (const half of [false, true]) {
    // Eight bits hold these values.
    const w = random([input, output], 20).mul(256).round().div(256).clipByValue(-0.5, 0.49609375), packed = freeze(w.clone(), { half });
    for (const rank of [8, 160]) {
      const inputs = [random([70, input], 25), random([2, rank, input], 21).mul(0.05), random([2, rank, output], 22).mul(0.05)];
      const apply = (weight: Tensor) => (...[x, a, b]: Tensor[]) => ops.linear(x!, weight, { terms: [{ a: a!, b: b! }] });
      const difference = compare(apply(packed), apply(w), inputs);
      // Values and gradients are sums of some thousand terms, up to a hundred large.
      assert.ok(difference < 1e-3, `rank ${rank}, ${half ? 'bfloat16' : 'floats'}: ${difference}`);
    }
    const head = random([5008, 400], 6).mul(256).round().div(256).clipByValue(-0.5, 0.49609375), frozen = freeze(head.clone(), { transposed: true, half });
    const ids = tf.tensor1d([0, 5007, 2100, 17, 4096], 'int32'), weight = tf.ones([5]);
    assert.ok(compare((h) => ops.headLoss(h!, frozen, ids, weight, false), (h) => ops.headLoss(h!, head, ids, weight, false), [random([5, 400], 7)]) < 1e-4);
  }
});

test('the fused feed-forward has the bits of its parts, for few rows and many', { skip: !usesKernels }, () => {
  const [h, m] = [48, 416], norm = random([h], 1), gateUp = freeze(random([h, 2 * m], 2)), down = freeze(random([m, h], 3));
  for (const rows of [1, 5, 47, 48, 300]) {
    const x = random([rows, h], rows);
    const parts = ops.linear(ops.swiGlu(ops.linear(ops.rmsNorm(x, norm, 1e-6), gateUp)), down, { residual: x });
    assert.deepEqual(ops.feedForward(x, { norm, gateUp, down }, 1e-6).arraySync(), parts.arraySync(), `${rows} rows`);
  }
});

test('an embedding frozen as the head that it is: its rows, the logits, and the loss', () => {
  const head = random([96, 32], 6), packed = freeze(head.clone(), { transposed: true }), ids = tf.tensor1d([0, 95, 17, 17, 4], 'int32');
  assert.deepEqual(ops.embed(packed, ids).arraySync(), tf.gather(head, ids).arraySync());
  const x = random([5, 32], 7), weight = tf.ones([5]);
  assert.ok(gap(ops.logits(x, packed), ops.logits(x, head)) < 1e-5);
  assert.ok(compare((h) => ops.headLoss(h!, packed, ids, weight, false), (h) => ops.headLoss(h!, head, ids, weight, false), [x]) < 1e-4);
});

test('attention: grouped queries, left padding, lengths around the tile size', () => {
  const shape = { heads: 6, kvHeads: 2, dim: 32, theta: 10_000 };
  for (const time of [1, 7, 47, 48, 49, 130]) {
    const start = tf.tensor1d([0, Math.floor(time / 3), time - 1], 'int32');
    const qkv = random([3, time, (6 + 4) * 32], time);
    const difference = compare((x) => ops.attention(x!, [start], shape), (x) => composite.attention(x!, composite.places(start, time, shape), shape), [qkv]);
    assert.ok(difference < 2e-5, `time ${time}: ${difference}`);
  }
});

test('attention in slices of the queries, as a GPU computes long inputs', () => {
  const shape = { heads: 2, kvHeads: 1, dim: 16, theta: 10_000 };
  const start = tf.tensor1d([0, 700], 'int32');
  const qkv = random([2, 1300, 4 * 16], 11);
  const difference = compare((x) => ops.attention(x!, [start], shape), (x) => composite.attention(x!, composite.places(start, 1300, shape), shape, 2 ** 20), [qkv]);
  assert.ok(difference < 5e-5, `${difference}`);
});

test('cross-entropy over slices, with and without the head gradient', () => {
  const hidden = random([700, 16], 5), head = random([90, 16], 6);
  const target = tf.randomUniform([700], 0, 90, 'int32', 7), weight = tf.randomUniform([700], 0, 1, 'float32', 8);
  const reference = (h?: Tensor, e?: Tensor) => {
    const likelihood = tf.logSoftmax(tf.matMul(h as Tf.Tensor2D, e as Tf.Tensor2D, false, true)).mul(tf.oneHot(target as Tf.Tensor1D, 90)).sum(1);
    return likelihood.mul(weight).sum().neg();
  };
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

test('AdamW changes no memory but its own: not the array that a parameter was made of, nor another tensor', () => {
  // Of many lengths, since TensorFlow takes an array for its memory only where it lies on a boundary.
  const arrays = Array.from({ length: 32 }, (_, i) => Float32Array.from({ length: 1024 + 16 * i }, (_, j) => j)), before = arrays.map((a) => [...a]);
  const tensors = arrays.map((a) => tf.keep(tf.tensor1d(a))), beside = tensors.map((t) => t.clone());
  const optimiser = new AdamW(tensors, { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, clip: 0.5 });
  optimiser.update(optimiser.parameters.map((p) => tf.onesLike(p)), 0.1);
  assert.ok(optimiser.parameters[0]!.dataSync()[0]! < 0);
  arrays.forEach((a, i) => {
    assert.deepEqual([...a], before[i]);
    assert.deepEqual([...beside[i]!.dataSync()], before[i]);
  });
});
