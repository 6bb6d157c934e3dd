/** The two models that are timed: one of nano-coder's size, and one of the size of the smallest real code model. */
import { frozen, randomModel } from '../../lib/dist/model/weights.js';
import { Random } from '../../lib/dist/store/random.js';
import { largeModel, QWEN_CODER_0_5B } from './large-model.mjs';

export const NANO = {
  vocabSize: 8192, hidden: 256, layers: 6, heads: 4, kvHeads: 2, headDim: 64, mlp: 768, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 4096,
};

/** `shape` is what follows the script's name: `nano`, or `0.5b`. */
export const shapeOf = (name = 'nano') => (name === '0.5b'
  ? { config: QWEN_CODER_0_5B, model: () => largeModel(QWEN_CODER_0_5B), large: true }
  : { config: NANO, model: () => frozen(randomModel(NANO, 1)), large: false });

/** So many sequences of random tokens. */
export function randomIds(count, length, vocabulary) {
  const random = new Random(1);
  return Array.from({ length: count }, () => Array.from({ length }, () => random.below(vocabulary)));
}
