/** Recorded work gives what the work gives, is one op afterwards, and refuses what a function could not repeat. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { issuedBy } from '../../lib/dist/engine/op-times.js';
import { recorded } from '../../lib/dist/engine/recorded.js';
import { tf, usesKernels, type Tensor } from '../../lib/dist/engine/tensorflow.js';

const skip = usesKernels && 'our kernels compute here: test/engine/without-kernels.test.ts runs this without them';
/** Through an op, so that JavaScript holds the values no longer. */
const random = (shape: number[], seed: number): Tensor => tf.tidy(() => tf.randomNormal(shape, 0, 1, 'float32', seed).mul(1));
const values = (list: Tensor[]): number[][] => list.map((t) => [...t.dataSync()]);

/** Products, splits, sums, constants small and large, integers, and a gradient. */
function work([x, w]: readonly Tensor[]): Tensor[] {
  const product = tf.matMul(x as never, w as never), [left, right] = tf.split(product, 2, -1) as [Tensor, Tensor];
  const masked = tf.softmax(product.add(tf.range(0, 6).mul(-2))).pad([[1, 0], [0, 0]]);
  const gradients = tf.grads((a: Tensor, b: Tensor) => tf.matMul(a as never, b as never).square().sum())([x!, w!]);
  return [left.mul(right).sum(0), masked, product.greater(0).toInt().toFloat(), ...gradients, x!];
}

test('the same values the first time and later, for other inputs and other shapes', { skip }, () => {
  for (const rows of [4, 4, 9, 4]) {
    const inputs = [random([rows, 8], Math.random()), random([8, 6], Math.random())];
    const expected = values(tf.tidy(() => work(inputs)));
    values(recorded('work', inputs, work)).forEach((list, i) => list.forEach((v, j) => assert.ok(Math.abs(v - expected[i]![j]!) < 1e-5)));
  }
});

test('it is one op, sends nothing and leaves nothing behind', { skip }, () => {
  const inputs = [random([4, 8], 1), random([8, 6], 2)], before = tf.memory().numTensors;
  let out: Tensor[] = [];
  const { ops, sent, read } = issuedBy(() => { out = recorded('work', inputs, work); });
  assert.deepEqual([[...ops.values()].map((o) => o.calls), sent, read], [[1], 0, 0]);
  assert.equal(tf.memory().numTensors, before + out.length);
});

test('another key is other work; work inside recorded work is a part of it', { skip }, () => {
  const x = random([3], 4);
  const by = (factor: number) => recorded(`times ${factor}`, [x], ([a]) => [a!.mul(factor)])[0]!;
  assert.deepEqual(values([by(2), by(3), by(2)]), values([x.mul(2), x.mul(3), x.mul(2)]));
  const outer = () => recorded('outer', [x], ([a]) => [recorded('inner', [a!], ([b]) => [b!.exp()])[0]!.add(1)])[0]!;
  for (let i = 0; i < 2; i++) assert.deepEqual(values([outer()]), values([x.exp().add(1)]));
});

test('a tensor from outside, and reading a value, are refused by name', { skip }, () => {
  const x = random([3], 5), outside = random([3], 6);
  assert.throws(() => recorded('from outside', [x], ([a]) => [a!.add(outside)]), /neither its input nor made of its inputs/);
  const held = tf.tensor1d([1, 2, 3]);
  assert.throws(() => recorded('held by JavaScript', [x], ([a]) => [a!.add(held)]), /neither its input nor made of its inputs/);
  assert.throws(() => recorded('reads', [x], ([a]) => [a!.mul(a!.sum().dataSync()[0]!)]), /must not read values/);
  // What failed is not kept.
  assert.deepEqual(values(recorded('reads', [x], ([a]) => [a!])), values([x]));
});

test('more functions than are kept: the oldest are made again', { skip }, () => {
  const x = random([2], 7);
  for (let i = 0; i < 600; i++) recorded(`many ${i}`, [x], ([a]) => [a!.add(i)]);
  assert.deepEqual(values(recorded('many 0', [x], ([a]) => [a!.add(0)])), values([x]));
});
