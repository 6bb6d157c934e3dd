/**
 * One training step of Code2LoRA-Static at the paper's size, with random weights: Qwen2.5-Coder-1.5B, the head of width
 * 1,024 with its AdamW state, one task of 1,024 tokens. Says how long each part took and where the memory went.
 * Usage: npm run bench:paper-step -- [TOKENS]     (needs about 14 GB of free memory)
 */
import { freemem } from 'node:os';
import { AdamW } from '../../lib/dist/engine/adamw.js';
import { device, tf } from '../../lib/dist/engine/tensorflow.js';
import { staticHead } from '../../lib/dist/hypernet/static-head.js';
import { adapterLearner } from '../../lib/dist/train/adapter-learner.js';
import { QWEN_CODER_1_5B } from '../../lib/dist/profiles.js';
import { largeModel } from './large-model.mjs';

const tokens = Number(process.argv[2] ?? 1024), targetTokens = 16;
const config = QWEN_CODER_1_5B;
const GB = 2 ** 30;
const resident = () => process.memoryUsage.rss() / GB;
let before = resident(), since = performance.now();
let most = before;
const sampler = setInterval(() => { most = Math.max(most, resident()); }, 50);
function part(name, what = '') {
  const now = resident();
  most = Math.max(most, now);
  console.log(`${name.padEnd(34)} ${((performance.now() - since) / 1000).toFixed(1).padStart(7)} s   ${(now - before).toFixed(2).padStart(6)} GB   ${now.toFixed(2).padStart(6)} GB resident   ${what}`);
  before = now;
  since = performance.now();
}

console.log(`Qwen2.5-Coder-1.5B's shape, head of width 1,024, one task of ${tokens} tokens on ${device()}; ${(freemem() / GB).toFixed(1)} GB free.`);
const model = largeModel(config);
part('frozen model, bfloat16', '1.54 billion values');

const head = staticHead({ input: 2048, hidden: 1024, rank: 16, alpha: 32 }, config);
const parameters = head.initial(1);
part('head', `${(head.parameterCount / 1e6).toFixed(1)} million parameters`);
const optimiser = new AdamW(parameters, { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 });
part('AdamW state', 'two moments a parameter');

const vector = tf.keep(tf.randomNormal([1, 2048]));
const writer = { parameters, names: head.names, write: (p) => head.apply(p, vector) };
const learner = adapterLearner(model, writer, [], () => ({ repo: 'r' }), { microBatch: 1, detachInput: true, checkpoint: true }, 0);
const example = {
  task: { repo: 'r' },
  prefix: Array.from({ length: tokens - targetTokens }, (_, i) => i % 1000), target: Array.from({ length: targetTokens }, (_, i) => i),
};
const { loss, gradients } = learner.gradients(optimiser.parameters, { contexts: [{ repo: 'r' }], items: [[example]] });
part('forward and backward', `loss ${loss.toFixed(3)}, blocks recomputed`);
const norm = optimiser.update(gradients, 1e-4);
tf.dispose(gradients);
part('update', `gradient norm ${norm.toPrecision(3)}`);
clearInterval(sampler);
if (!Number.isFinite(loss) || !Number.isFinite(norm)) throw new Error('The step gave values that are not finite.');
console.log(`The step is complete; most memory held at once: ${most.toFixed(1)} GB.`);
