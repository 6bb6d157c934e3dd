/** Models of real shapes with random weights, made in seconds: for time and memory the values do not matter. */
import { freeze } from '../../lib/dist/engine/frozen.js';
import { trimMemory } from '../../lib/dist/engine/kernels.js';
import { tf, tidy } from '../../lib/dist/engine/tensorflow.js';
import { packedWidth } from '../../lib/dist/model/config.js';

/** Qwen2.5-Coder-0.5B. */
export const QWEN_CODER_0_5B = {
  vocabSize: 151_936, hidden: 896, layers: 24, heads: 14, kvHeads: 2, headDim: 64, mlp: 4864, ropeTheta: 1_000_000, rmsEps: 1e-6, maxTokens: 32_768,
};

/** Products of two thin random matrices, frozen as bfloat16, as the published weights are; standard deviation 0.02. */
export function largeModel(config) {
  const thin = 8;
  const weight = (rows, columns, transposed = false) => tidy(() =>
    freeze(tf.matMul(tf.randomNormal([rows, thin], 0, 0.02 ** 0.5), tf.randomNormal([thin, columns], 0, (0.02 / thin) ** 0.5)), { half: true, transposed }));
  const ones = () => tf.keep(tf.ones([config.hidden]));
  const embed = weight(config.vocabSize, config.hidden, true);
  const layers = Array.from({ length: config.layers }, () => ({
    inputNorm: ones(), qkv: weight(config.hidden, packedWidth(config)), qkvBias: tf.keep(tf.zeros([packedWidth(config)])),
    o: weight(config.heads * config.headDim, config.hidden), postNorm: ones(),
    gateUp: weight(config.hidden, 2 * config.mlp), down: weight(config.mlp, config.hidden),
  }));
  trimMemory();
  return { config, embed, layers, finalNorm: ones(), head: embed };
}
