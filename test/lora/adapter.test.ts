/** Adapters: adding them into the weights and applying them beside the weights give the same model. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tf, type Tensor } from '../../lib/dist/engine/tensorflow.js';
import { averageAdapters, disposeMerged, initialAdapter, mapLayer, merge, projectionShapes, toLowRank, mapAdapter, type Adapter } from '../../lib/dist/lora/adapter.js';
import { hiddenStates } from '../../lib/dist/model/transformer.js';
import { randomModel } from '../../lib/dist/model/weights.js';

const config = { vocabSize: 50, hidden: 32, layers: 2, heads: 2, kvHeads: 1, headDim: 16, mlp: 48, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 64 };
const model = randomModel(config, 1);
const shapes = projectionShapes(config);
const ids = tf.randomUniform([4, 12], 0, 50, 'int32', 3);

/** Random factors; `lead` puts repositories in front. */
function random(layers: number, lead: number[], seed: number): Adapter {
  return {
    rank: 3, alpha: 6,
    layers: Array.from({ length: layers }, (_, i) => mapLayer((p, k) =>
      tf.randomNormal([...lead, ...(k === 'a' ? [3, shapes[p].in] : [shapes[p].out, 3])], 0, 0.2, 'float32', seed + 31 * i + p.length))),
  };
}
const gap = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().dataSync()[0]!;

test('merged equals applied, one set of factors for all layers and one a layer', () => {
  for (const layers of [1, 2]) {
    const adapter = random(layers, [], 5);
    const merged = merge(model, adapter);
    const applied = hiddenStates(model, ids, { lora: toLowRank(adapter, config.layers) });
    assert.ok(gap(hiddenStates(merged, ids), applied) < 1e-4);
    assert.ok(gap(hiddenStates(model, ids), applied) > 0.1, 'the adapter changes something');
    disposeMerged(merged, model);
    assert.ok(!model.embed.isDisposed && !model.layers[0]!.inputNorm.isDisposed);
  }
});

test('W becomes W + alpha/r B A, in the place of its projection', () => {
  const adapter = random(1, [], 9);
  const merged = merge(model, adapter);
  const { a, b } = adapter.layers[0]!.k_proj;
  const delta = tf.matMul(b as never, a as never).mul(2).transpose();
  const change = merged.layers[1]!.qkv.sub(model.layers[1]!.qkv).slice([0, 32], [32, 16]);
  assert.ok(gap(change, delta) < 1e-5);
});

test('several repositories in one batch, each with its own adapter', () => {
  const batched = random(1, [2], 7);
  const together = hiddenStates(model, ids, { lora: toLowRank(batched, config.layers) });
  [0, 1].forEach((r) => {
    const adapter = mapAdapter(batched, (t) => t.slice([r, 0, 0], [1, -1, -1]).squeeze([0]));
    const alone = hiddenStates(model, ids.slice([2 * r, 0], [2, 12]), { lora: toLowRank(adapter, config.layers) });
    assert.ok(gap(together.slice([24 * r, 0], [24, 32]), alone) < 1e-4, `repository ${r}`);
  });
});

test('a fresh adapter changes nothing; the average of an adapter and its opposite is zero', () => {
  assert.ok(gap(hiddenStates(model, ids, { lora: toLowRank(initialAdapter(config, 4, 8, 1), config.layers) }), hiddenStates(model, ids)) < 1e-6);
  const one = random(1, [], 2);
  const opposite = { ...one, layers: one.layers.map((l) => mapLayer((p, k) => l[p][k].neg())) };
  assert.equal(averageAdapters([one, opposite]).layers[0]!.up_proj.b.abs().max().dataSync()[0], 0);
});
