/**
 * Gradients of LoRA factors against PyTorch (test/fixtures/model/make_gradients.py): one adapter for all layers, one a
 * layer, one a sample; with the low-rank branch's input detached (paper code) and not. The distance is the largest
 * absolute difference over a factor's gradient, relative to that gradient's largest value.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headLoss } from '../../lib/dist/engine/ops.js';
import { tf, tidy, type Tensor } from '../../lib/dist/engine/tensorflow.js';
import { adapterTensors, mapLayer, toLowRank, withTensors, type Adapter } from '../../lib/dist/lora/adapter.js';
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { hiddenStates } from '../../lib/dist/model/transformer.js';
import { readSafetensors } from '../../lib/dist/store/safetensors.js';
import { gap } from '../model/fixture.js';

const model = loadModel('test/fixtures/model/qwen2');
const { tensors } = readSafetensors('test/fixtures/model/gradients.safetensors');
const get = (name: string): Tensor => {
  const { shape, data } = tensors.get(name)!;
  return tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32');
};
const RANK = 3, ALPHA = 6;
const ids = get('ids'), positions = get('positions').arraySync() as [number, number][], targets = get('targets');
const read = (kind: string, layers: number): Adapter => ({
  rank: RANK, alpha: ALPHA, depth: model.config.layers, layers: Array.from({ length: layers }, (_, i) => mapLayer((p, k) => get(`${kind}.${i}.${p}.${k}`))),
});

/** Mean cross-entropy of the targets under an adapter with these factors. */
function loss(adapter: Adapter, factors: Tensor[], detachInput: boolean, checkpoint: boolean): Tensor {
  const lora = toLowRank(withTensors(adapter, factors));
  const states = hiddenStates(model, ids, { lora, detachInput, checkpoint });
  const at = tf.gather(states, tf.tensor1d(positions.map(([b, t]) => b * ids.shape[1]! + t), 'int32'));
  return headLoss(at, model.head, targets, tf.fill([positions.length], 1 / positions.length), false);
}

for (const [kind, layers] of [['shared', 1], ['each', model.config.layers], ['samples', 1]] as const) {
  for (const detached of [false, true]) {
    const name = detached ? `${kind}.detached` : kind;
    test(`${name}: loss and gradients`, () => {
      const adapter = read(`${kind}.value`, layers), values = adapterTensors(adapter), expected = adapterTensors(read(`${name}.gradient`, layers));
      for (const checkpoint of [false, true]) {
        tidy(() => {
          assert.ok(gap(loss(adapter, values, detached, checkpoint), get(`${name}.loss`)) < 1e-4);
          const gradients = tf.grads((...x: Tensor[]) => loss(adapter, x, detached, checkpoint))(values);
          gradients.forEach((g, i) => {
            const relative = gap(g, expected[i]!) / expected[i]!.abs().max().dataSync()[0]!;
            assert.ok(relative < 1e-4, `factor ${i}${checkpoint ? ', checkpointed' : ''}: ${relative}`);
          });
        });
      }
    });
  }
}

test('detaching changes the gradient', () => {
  for (const kind of ['shared', 'each', 'samples']) {
    const name = 'gradient.0.q_proj.a';
    assert.ok(gap(get(`${kind}.${name}`), get(`${kind}.detached.${name}`)) > 0.01, kind);
  }
});
