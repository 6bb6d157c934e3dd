/**
 * Training throughput: steps of Code2LoRA-Static through a model of nano-coder's size, against the same step in PyTorch
 * with the same shapes. The bar: twice as fast, and 45% of this machine's own rate of fp32 matrix products.
 */
import { AdamW } from '../../lib/dist/engine/adamw.js';
import { tf } from '../../lib/dist/engine/tensorflow.js';
import { staticHead } from '../../lib/dist/hypernet/static-head.js';
import { projectionShapes } from '../../lib/dist/lora/adapter.js';
import { bodyParameters } from '../../lib/dist/model/config.js';
import { frozen, randomModel } from '../../lib/dist/model/weights.js';
import { adapterLearner } from '../../lib/dist/train/adapter-learner.js';
import { race } from './race.mjs';

const BATCH = 8, TOKENS = 256, TARGET = 16, RANK = 8, INPUT = 512, WIDTH = 256, STEPS = 5;
const config = {
  vocabSize: 8192, hidden: 256, layers: 6, heads: 4, kvHeads: 2, headDim: 64, mlp: 768, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 4096,
};

const model = frozen(randomModel(config, 1));
const head = staticHead({ input: INPUT, hidden: WIDTH, rank: RANK, alpha: 2 * RANK }, config);
const vector = tf.randomNormal([1, INPUT]);
const writer = { parameters: head.initial(1), names: head.names, write: (p) => head.apply(p, vector) };
const learner = adapterLearner(model, writer, [], () => ({ repo: 'r' }), { microBatch: BATCH, detachInput: false, checkpoint: false }, 0);
const optimiser = new AdamW(writer.parameters, { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 });
const random = (length) => Array.from({ length }, () => Math.floor(Math.random() * config.vocabSize));
const items = [Array.from({ length: BATCH }, () => ({ task: { repo: 'r' }, prefix: random(TOKENS - TARGET), target: random(TARGET) }))];
function step() {
  const { gradients } = learner.gradients(optimiser.parameters, { contexts: [{ repo: 'r' }], items });
  optimiser.update(gradients, 1e-4);
  tf.dispose(gradients);
}

/** Multiplications and additions that a step cannot do without: two a weight and token forward, two back to the input. */
function usefulFlops() {
  const tokens = BATCH * TOKENS;
  const frozen = 4 * tokens * bodyParameters(config);
  const lora = 6 * tokens * RANK * config.layers * Object.values(projectionShapes(config)).reduce((n, s) => n + s.in + s.out, 0);
  // Causal: half of all pairs; two products forward, five backward.
  const attention = 7 * BATCH * config.heads * config.headDim * TOKENS * TOKENS * config.layers;
  const logits = 4 * BATCH * TARGET * config.vocabSize * config.hidden;
  return frozen + lora + attention + logits + 6 * head.parameterCount;
}

/** The best of large square products, which is what the machine can do. */
function matrixRate() {
  const n = 2048, a = tf.randomNormal([n, n]), b = tf.randomNormal([n, n]);
  let best = Infinity;
  for (let i = 0; i < 12; i++) {
    const began = performance.now();
    const c = tf.matMul(a, b);
    c.dataSync();
    best = Math.min(best, performance.now() - began);
    c.dispose();
  }
  tf.dispose([a, b]);
  return (2 * n ** 3) / (best / 1000);
}

const rates = [matrixRate()];
const { best } = await race({
  job: { task: 'train', config, batch: BATCH, tokens: TOKENS, target: TARGET, rank: RANK, input: INPUT, width: WIDTH, steps: STEPS },
  ours: () => { for (let i = 0; i < STEPS; i++) step(); },
  amount: STEPS * BATCH * TOKENS, unit: 'tokens', bar: 2,
});
rates.push(matrixRate());
const rate = Math.max(...rates), reached = (usefulFlops() * STEPS) / best;
console.log(`a step: ${(usefulFlops() / 1e9).toFixed(1)} GFLOP, ${(1000 * best / STEPS).toFixed(0)} ms, ${(reached / 1e9).toFixed(0)} GFLOP/s; ` +
  `2,048 x 2,048 products: ${(rate / 1e9).toFixed(0)} GFLOP/s`);
const share = reached / rate;
console.log(`share ${(100 * share).toFixed(0)}%, the bar is 45%: ${share >= 0.45 ? 'reached' : 'BELOW THE BAR'}`);
if (share < 0.45) process.exitCode = 1;
