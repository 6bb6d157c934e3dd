/** nano-coder's shape and schedule. */
import type { PretrainConfig } from './pretrain.js';

export const SEED = 3407;

export function nanoCoder(vocabSize: number, tokens: number, seed: number): PretrainConfig {
  return {
    model: { vocabSize, hidden: 256, layers: 6, heads: 4, kvHeads: 2, headDim: 64, mlp: 640, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 1024 },
    tokens, batchTokens: 4096, context: 256, longContext: 512, learningRate: 2e-3, warmupSteps: 200, decayFraction: 0.2,
    weightDecay: 0.1, seed,
  };
}
