/**
 * Training throughput: steps of Code2LoRA-Static through a model of nano-coder's size, or with `0.5b` of a real one's,
 * against the same step in PyTorch with the same shapes. The bar: 2.5 times as fast (0.5b: as fast), and half of this
 * machine's own rate of fp32 matrix products.
 */
import { AdamW } from '../../lib/dist/engine/adamw.js';
import { tf } from '../../lib/dist/engine/tensorflow.js';
import { staticHead } from '../../lib/dist/hypernet/static-head.js';
import { projectionShapes } from '../../lib/dist/lora/adapter.js';
import { bodyParameters } from '../../lib/dist/model/config.js';
import { adapterLearner } from '../../lib/dist/train/adapter-learner.js';
import { race } from './race.mjs';
import { matrixRate, printShares } from './rate.mjs';
import { shapeOf } from './shapes.mjs';

const { config, model: make, large } = shapeOf(process.argv[2]);
const [BATCH, TOKENS, RANK, INPUT, WIDTH, STEPS, BAR] = large ? [2, 512, 16, 1792, 128, 1, 1] : [8, 256, 8, 512, 256, 5, 2.5];
const TARGET = 16;

const model = make();
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

const rates = [matrixRate()];
const { best } = await race({
  job: { task: 'train', config, batch: BATCH, tokens: TOKENS, target: TARGET, rank: RANK, input: INPUT, width: WIDTH, steps: STEPS },
  ours: () => { for (let i = 0; i < STEPS; i++) step(); },
  amount: STEPS * BATCH * TOKENS, unit: 'tokens', bar: BAR, rounds: large ? 2 : 5,
});
rates.push(matrixRate());
const rate = Math.max(...rates), reached = (usefulFlops() * STEPS) / best, share = reached / rate;
console.log(`a step: ${(usefulFlops() / 1e9).toFixed(1)} GFLOP, ${(1000 * best / STEPS).toFixed(0)} ms, ${(reached / 1e9).toFixed(0)} GFLOP/s; ` +
  `the machine's products: ${(rate / 1e9).toFixed(0)} GFLOP/s; share ${(100 * share).toFixed(0)}%, the bar is 50%: ${share >= 0.5 ? 'reached' : 'BELOW THE BAR'}`);
printShares(step, config.vocabSize);
if (share < 0.5) process.exitCode = 1;
