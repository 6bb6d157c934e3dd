/** The head against the paper's formulas, written out with plain numbers; how it starts; what its conditioning sees. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tf, type Tensor } from '../../lib/dist/engine/tensorflow.js';
import { staticHead } from '../../lib/dist/hypernet/static-head.js';
import { adapterTensors, toLowRank } from '../../lib/dist/lora/adapter.js';
import { Random } from '../../lib/dist/store/random.js';

const model = { vocabSize: 50, hidden: 8, layers: 2, heads: 2, kvHeads: 1, headDim: 4, mlp: 12, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 64 };
const head = { input: 6, hidden: 5, rank: 2, alpha: 4 };

/** erf by its series. */
function erf(x: number): number {
  let sum = 0, term = x;
  for (let n = 0; n < 60; n++) {
    sum += term / (2 * n + 1);
    term *= (-x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
const gelu = (x: number): number => 0.5 * x * (1 + erf(x / Math.SQRT2));

test('trunk, normalisation, tanh and clamped scale', () => {
  const network = staticHead(head, model);
  const parameters = network.initial(3);
  const at = (name: string): number[] => [...parameters[network.names.indexOf(name)]!.dataSync()];
  const linear = (x: number[], name: string): number[] => {
    const w = at(`${name}.weight`), b = at(`${name}.bias`);
    return b.map((bias, j) => x.reduce((s, v, i) => s + v * w[i * b.length + j]!, bias));
  };
  // One scale above the clamp, one below it.
  for (const [name, value] of [['up_proj.a.scale', 2], ['up_proj.b.scale', -20]] as const) {
    parameters[network.names.indexOf(name)] = tf.scalar(value);
  }
  const vectors = [[0.1, -0.4, 0.3, 0.9, -1, 0.2], [1, 0, 0, -0.5, 0.25, 2]];
  const written = network.apply(parameters, tf.tensor2d(vectors));
  assert.equal(written.layers.length, 1);
  vectors.forEach((e, r) => {
    const trunk = linear(linear(e, 'trunk.0').map(gelu), 'trunk.1').map(gelu);
    const h = trunk.map((x) => (x * Math.sqrt(5)) / Math.hypot(...trunk));
    for (const [p, k, scale, shape] of [
      ['q_proj', 'a', Math.exp(-3.5), [2, 8]], ['v_proj', 'b', Math.exp(-3.5), [4, 2]],
      ['up_proj', 'a', 0.3, [2, 8]], ['up_proj', 'b', 1e-5, [12, 2]], ['down_proj', 'a', Math.exp(-3.5), [2, 12]],
    ] as const) {
      const factor = written.layers[0]![p][k];
      assert.deepEqual(factor.shape, [2, ...shape]);
      const got = [...factor.slice([r, 0, 0], [1, -1, -1]).dataSync()];
      linear(h, `${p}.${k}`).forEach((raw, i) => { assert.ok(Math.abs(got[i]! - Math.tanh(raw) * scale) < 1e-6, `${p}.${k}[${i}]`); });
    }
  });
});

test('residual and film start exactly at their shared adapter, for any repository, and can leave it', () => {
  const contexts = tf.randomNormal([3, 6], 0, 1, 'float32', 4);
  for (const form of ['residual', 'film'] as const) {
    const network = staticHead({ ...head, form }, model);
    const parameters = network.initial(7);
    const at = (name: string): Tensor => parameters[network.names.indexOf(name)]!;
    for (const i of network.names.keys()) {
      if (network.names[i]!.startsWith('shared') && network.names[i]!.endsWith('.b')) {
        assert.equal(parameters[i]!.abs().max().dataSync()[0], 0, 'PEFT: B starts at zero');
        parameters[i] = tf.randomNormal(parameters[i]!.shape, 0, 1, 'float32', i);
      }
    }
    // The change of the weights, alpha/r B A, in all layers.
    const changes = (list: Tensor[]) =>
      toLowRank(network.apply(list, contexts)).flatMap((l) => [l.qkv, l.o, l.gateUp, l.down])
        .map((terms) => terms.map(({ a, b }) => tf.matMul(a, b, true, false)).reduce((x, y) => x.add(y)));
    const ofO = changes(parameters)[4 + 1]!;
    const shared = tf.matMul(at('shared.1.o_proj.b') as never, at('shared.1.o_proj.a') as never).mul(head.alpha / head.rank).transpose();
    assert.ok((ofO.sub(shared).abs().max().dataSync()[0]!) < 1e-5, form);
    const written = network.names.indexOf(form === 'film' ? 'gain.weight' : 'o_proj.b.weight');
    const grads = tf.grads((...list: Tensor[]) => tf.addN(changes(list).map((x) => x.square().sum())))(parameters);
    assert.ok(grads[written]!.abs().max().dataSync()[0]! > 1e-4, `${form} is reached by the gradient`);
    const bound = at('shared.0.up_proj.a').abs().max().dataSync()[0]!;
    assert.ok(bound <= 1 / Math.sqrt(8) && bound > 0.8 / Math.sqrt(8), 'PEFT: A uniform in ±1/sqrt(in)');
  }
});

test('a zero vector under zero biases: finite output, finite gradient', () => {
  const network = staticHead({ ...head, trunkBias: 'zero' }, model);
  const parameters = network.initial(1);
  const loss = (...list: Tensor[]) => tf.addN(adapterTensors(network.apply(list, tf.zeros([1, 6]))).map((t) => t.sum()));
  const grads = tf.grads(loss)(parameters);
  for (const t of [loss(...parameters), ...grads]) assert.ok(t.dataSync().every(Number.isFinite));
});

/** Unit vectors whose pairwise cosine is about 0.74, as repository vectors have. */
function correlated(count: number, width: number): Tensor {
  const random = new Random(11);
  const draw = (rows: number) => tf.tensor2d(Float32Array.from({ length: rows * width }, () => random.normal()), [rows, width]);
  const x = draw(1).mul(Math.sqrt(0.74)).add(draw(count).mul(Math.sqrt(0.26)));
  return x.div(x.norm(2, 1, true));
}
function meanCosine(x: Tensor): number {
  const unit = x.div(x.norm(2, 1, true));
  const n = x.shape[0]!;
  return (tf.matMul(unit as never, unit as never, false, true).sum().dataSync()[0]! - n) / (n * (n - 1));
}

test('PyTorch\'s biases hide a unit vector; zero biases let it through, standardised vectors come apart', () => {
  const raw = correlated(48, 2048);
  const spread = raw.sub(raw.mean(0, true)).div(raw.sub(raw.mean(0, true)).square().mean(0, true).sqrt());
  const cosine = (trunkBias: 'default' | 'zero', hidden: number, contexts: Tensor) => {
    const network = staticHead({ ...head, input: 2048, hidden, trunkBias }, model);
    return meanCosine(network.trunk(network.initial(5), contexts));
  };
  assert.ok(Math.abs(meanCosine(raw) - 0.74) < 0.02);
  const hidden512 = cosine('default', 512, raw), hidden1024 = cosine('default', 1024, raw);
  assert.ok(hidden512 > 0.99 && hidden1024 > 0.985, `default: ${hidden512}, ${hidden1024}`);
  const zero = cosine('zero', 512, raw), scaled = cosine('default', 512, raw.mul(Math.sqrt(2048)));
  assert.ok(zero > 0.68 && zero < 0.79, `zero biases: ${zero}`);
  assert.ok(scaled > 0.68 && scaled < 0.79, `longer vectors: ${scaled}`);
  const standardised = cosine('zero', 512, spread);
  assert.ok(standardised > 0.05 && standardised < 0.2, `standardised: ${standardised}`);
});
