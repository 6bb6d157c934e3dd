/** The head's output against the paper's formulas, written out with plain numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tf } from '../../lib/dist/engine/tensorflow.js';
import { applyHead, headParameterNames, initialHead } from '../../lib/dist/hypernet/static-head.js';

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
  const parameters = initialHead(head, model, 3);
  const at = (name: string): number[] => [...parameters[headParameterNames().indexOf(name)]!.dataSync()];
  const linear = (x: number[], name: string): number[] => {
    const w = at(`${name}.weight`), b = at(`${name}.bias`);
    return b.map((bias, j) => x.reduce((s, v, i) => s + v * w[i * b.length + j]!, bias));
  };
  // One scale above the clamp, one below it.
  for (const [name, value] of [['up_proj.a.scale', 2], ['up_proj.b.scale', -20]] as const) {
    parameters[headParameterNames().indexOf(name)] = tf.scalar(value);
  }
  const vectors = [[0.1, -0.4, 0.3, 0.9, -1, 0.2], [1, 0, 0, -0.5, 0.25, 2]];
  const written = applyHead(parameters, tf.tensor2d(vectors), head, model);
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
