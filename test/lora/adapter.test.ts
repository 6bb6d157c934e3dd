/** Adapters: adding them into the weights and applying them beside the weights give the same model. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tf, type Tensor, type Tf } from '../../lib/dist/engine/tensorflow.js';
import { adapterFromTensors, adapterTensors, averageAdapters, initialAdapter, mapLayer, projections, projectionShapes, stackAdapters, toLowRank, mapAdapter, type Adapter } from '../../lib/dist/lora/adapter.js';
import { openDecoder } from '../../lib/dist/model/decoder.js';
import { hiddenStates } from '../../lib/dist/model/transformer.js';
import { randomModel, type Model } from '../../lib/dist/model/weights.js';

const config = { vocabSize: 50, hidden: 32, layers: 2, heads: 2, kvHeads: 1, headDim: 16, mlp: 48, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 64 };
const model = randomModel(config, 1);
const shapes = projectionShapes(config);
const ids = tf.randomUniform([4, 12], 0, 50, 'int32', 3);

/** Random factors; `lead` puts repositories in front. */
function random(layers: number, lead: number[], seed: number): Adapter {
  return {
    rank: 3, alpha: 6, depth: config.layers,
    layers: Array.from({ length: layers }, (_, i) => mapLayer((p, k) =>
      tf.randomNormal([...lead, ...(k === 'a' ? [3, shapes[p].in] : [shapes[p].out, 3])], 0, 0.2, 'float32', seed + 31 * i + p.length))),
  };
}
const gap = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().dataSync()[0]!;

/** The model with W + alpha/r B A in the place of each projection's W. */
function merged(adapter: Adapter): Model {
  const layers = model.layers.map((w, i) => {
    const l = adapter.layers[i] ?? adapter.layers[0]!;
    const delta = Object.fromEntries(projections.map((p) => [p, tf.matMul(l[p].b as Tf.Tensor2D, l[p].a as Tf.Tensor2D).mul(adapter.alpha / adapter.rank).transpose()]));
    const add = (to: Tensor, ...names: (keyof typeof delta)[]) => to.add(tf.concat(names.map((n) => delta[n]!), 1));
    return {
      ...w, qkv: add(w.qkv, 'q_proj', 'k_proj', 'v_proj'), o: add(w.o, 'o_proj'), gateUp: add(w.gateUp, 'gate_proj', 'up_proj'), down: add(w.down, 'down_proj'),
    };
  });
  return { ...model, layers };
}

test('an adapter applied is the model with W + alpha/r B A, one set of factors for all layers and one a layer', () => {
  for (const layers of [1, 2]) {
    const adapter = random(layers, [], 5);
    const applied = hiddenStates(model, ids, { lora: toLowRank(adapter) });
    assert.ok(gap(hiddenStates(merged(adapter), ids), applied) < 1e-4);
    assert.ok(gap(hiddenStates(model, ids), applied) > 0.1, 'the adapter changes something');
  }
});

test('several repositories in one batch, each with its own adapter', () => {
  const batched = stackAdapters([random(1, [], 7), random(1, [], 70)]);
  const together = hiddenStates(model, ids, { lora: toLowRank(batched) });
  [0, 1].forEach((r) => {
    const adapter = mapAdapter(batched, (t) => t.slice([r, 0, 0], [1, -1, -1]).squeeze([0]));
    const alone = hiddenStates(model, ids.slice([2 * r, 0], [2, 12]), { lora: toLowRank(adapter) });
    assert.ok(gap(together.slice([24 * r, 0], [24, 32]), alone) < 1e-4, `repository ${r}`);
  });
});

test('a fresh adapter changes nothing; the average of an adapter and its opposite is zero', () => {
  assert.ok(gap(hiddenStates(model, ids, { lora: toLowRank(initialAdapter(config, 4, 8, 1)) }), hiddenStates(model, ids)) < 1e-6);
  const one = random(1, [], 2);
  const opposite = { ...one, layers: one.layers.map((l) => mapLayer((p, k) => l[p][k].neg())) };
  assert.equal(averageAdapters([one, opposite]).layers[0]!.up_proj.b.abs().max().dataSync()[0], 0);
});

test('an adapter of the last layer alone is one of all layers with zeros below: states, decoding and gradients', () => {
  const whole = random(2, [], 9), below = mapLayer((p, k) => tf.zerosLike(whole.layers[0]![p][k]));
  const last = { ...whole, depth: 1, layers: whole.layers.slice(1) }, all = { ...whole, layers: [below, whole.layers[1]!] };
  const states = (adapter: Adapter) => hiddenStates(model, ids, { lora: toLowRank(adapter) });
  // Equal but for rounding, as for a fresh adapter: a layer without one runs other kernels than one with zeros.
  assert.ok(gap(states(last), states(all)) < 1e-6);
  assert.ok(gap(states(last), hiddenStates(model, ids)) > 0.1, 'the adapter changes something');

  const decoded = (adapter: Adapter) => {
    const decoder = openDecoder(model, [[3, 1, 4], [1, 5]], 1, { lora: toLowRank(stackAdapters([adapter])), owners: [0, 0] });
    const logits = tf.concat([decoder.logits, decoder.advance([9, 2])]);
    decoder.dispose();
    return logits;
  };
  assert.ok(gap(decoded(last), decoded(all)) < 1e-6);

  const gradients = (adapter: Adapter) => tf.grads((...list: Tensor[]) => states(adapterFromTensors(list, 3, 6)).square().sum())(adapterTensors(adapter));
  const count = adapterTensors(last).length;
  gradients(all).slice(count).forEach((g, i) => assert.ok(gap(g, gradients(last)[i]!) < 1e-4 * g.abs().max().dataSync()[0]!));
});
