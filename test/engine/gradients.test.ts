/** Gradients by other ways than tfjs' plain one give what the plain one gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkpointed, detachedProduct, gradientsOf } from '../../lib/dist/engine/gradients.js';
import { tf, tidy, type Tensor } from '../../lib/dist/engine/tensorflow.js';

const random = (shape: number[], seed: number): Tensor => tf.randomNormal(shape, 0, 1, 'float32', seed);
const gap = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().dataSync()[0]!;
const x = random([5, 4], 1), w = random([4, 4], 2), dy = random([5, 4], 3);

test('a recomputed function, once and inside another, has the same gradients', () => {
  const plain = ([a, b]: readonly Tensor[]) => tf.tanh(tf.matMul(tf.tanh(tf.matMul(a as never, b as never)), b as never));
  const half = ([a, b]: readonly Tensor[]) => tf.tanh(tf.matMul(a as never, b as never));
  const twice = ([a, b]: Tensor[]) => checkpointed('half', half, [checkpointed('half', half, [a!, b!]), b!]);
  const nestedTwice = (list: Tensor[]) => checkpointed('outer', (inner) => checkpointed('inner', plain, inner), list);
  const gradients = (f: (list: Tensor[]) => Tensor) => tf.grads((...list: Tensor[]) => f(list).mul(dy).sum())([x, w]);
  const expected = gradients(plain);
  for (const f of [twice, nestedTwice]) gradients(f).forEach((g, i) => { assert.ok(gap(g, expected[i]!) < 1e-5); });
});

test('a constant made on the way is still there in the backward pass', () => {
  const g = tf.grad((a: Tensor) => {
    const mask = tf.zeros([4]).add(2);
    return tidy(() => checkpointed('masked', ([b], [m]) => b!.mul(m!), [a], [mask]).sum());
  })(x);
  assert.equal(gap(g, tf.fill([5, 4], 2)), 0);
});

test('a detached product has gradients for its factors only', () => {
  const a = random([1, 2, 4], 4), b = random([1, 2, 4], 5), rows = x.expandDims(0);
  const [gx, ga, gb] = tf.grads((...t: Tensor[]) => detachedProduct(t[0]!, t[1]!, t[2]!).add(t[0]!.mul(0)).mul(dy).sum())([rows, a, b]) as [Tensor, Tensor, Tensor];
  const [, ea, eb] = tf.grads((...t: Tensor[]) => tf.matMul(tf.matMul(t[0]!, t[1]!, false, true), t[2]!).mul(dy).sum())([rows, a, b]) as [Tensor, Tensor, Tensor];
  assert.ok(gap(ga, ea) < 1e-5 && gap(gb, eb) < 1e-5);
  assert.equal(gx.abs().max().dataSync()[0], 0);
});

test('what a function does not use has a gradient of zero', () => {
  const [used, unused] = gradientsOf(([a]) => a!.square().sum(), [x, w]) as [Tensor, Tensor];
  assert.ok(gap(used, x.mul(2)) < 1e-6);
  assert.equal(unused.abs().max().dataSync()[0], 0);
  assert.deepEqual(unused.shape, [4, 4]);
});
