/**
 * The most memory that a model of 0.5B shape (random weights) takes in evaluation, embedding and training, with batches
 * as the code chooses them: `node scripts/bench/memory.mjs [evaluate | embed | train]` does one and prints its gigabytes.
 * With the name of a pinned model after it (qwen2.5-coder-0.5b), that model in its place.
 */
import { Random } from '../../lib/dist/store/random.js';
import { tf } from '../../lib/dist/engine/tensorflow.js';
import { batchVectors } from '../../lib/dist/encoder/text-vectors.js';
import { embedderOf } from '../../lib/dist/encoder/embedder.js';
import { predict } from '../../lib/dist/eval/predict.js';
import { staticHead } from '../../lib/dist/hypernet/static-head.js';
import { promptTokensAtOnce, windowTokensAtOnce } from '../../lib/dist/model/memory.js';
import { AdamW } from '../../lib/dist/engine/adamw.js';
import { adapterLearner } from '../../lib/dist/train/adapter-learner.js';
import { fetchPinnedModel, readPinnedModel } from '../../lib/dist/lab/pinned-model.js';
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { silent } from '../../lib/dist/store/progress.js';
import { largeModel, QWEN_CODER_0_5B } from './large-model.mjs';

const [name, pinned] = process.argv.slice(2);
const model = pinned === undefined ? largeModel(QWEN_CODER_0_5B) : loadModel(await fetchPinnedModel(readPinnedModel(pinned), silent));
const { config } = model;
const LENGTH = 512, NEW_TOKENS = 4, TARGET = 8;
const random = new Random(1);
const ids = (length) => Array.from({ length }, () => random.below(config.vocabSize));
const tokenizer = { eos: 0, lineBreaks: new Set(), banned: new Set(), encode: () => [], encodeWithEnd: () => [], decode: String };
const example = () => ({ task: { repo: 'r' }, prefix: ids(LENGTH - TARGET), target: ids(TARGET) });

/** Each fills one batch of the size that the code chooses, and returns its tokens. */
const parts = {
  evaluate() {
    const count = Math.floor(promptTokensAtOnce(config) / (LENGTH - TARGET + NEW_TOKENS));
    predict(model, Array.from({ length: count }, example), tokenizer, NEW_TOKENS, () => {});
    return count * LENGTH;
  },
  embed() {
    const count = Math.floor(windowTokensAtOnce(config) / LENGTH);
    batchVectors(Array.from({ length: count }, () => ids(LENGTH)), embedderOf(model, tokenizer, 'random'), 'mean');
    return count * LENGTH;
  },
  train() {
    const head = staticHead({ input: 512, hidden: 128, rank: 16, alpha: 32, form: 'residual' }, config);
    const parameters = head.initial(1), vector = tf.keep(tf.randomNormal([1, 512]));
    const writer = { parameters, names: head.names, write: (p) => head.apply(p, vector) };
    const learner = adapterLearner(model, writer, [], () => ({ repo: 'r' }), { microBatch: 32, detachInput: false, checkpoint: false }, 0);
    const optimiser = new AdamW(parameters, { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 });
    const { gradients, tokens } = learner.gradients(parameters, { contexts: [{ repo: 'r' }], items: [Array.from({ length: 4 }, example)] });
    optimiser.update(gradients, 1e-4);
    return tokens;
  },
};

const began = performance.now(), tokens = parts[name]();
console.log(JSON.stringify({ part: name, tokens, seconds: (performance.now() - began) / 1000, gigabytes: process.resourceUsage().maxRSS / 2 ** 20 }));
