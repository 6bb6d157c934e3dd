/**
 * A decoder's weights in memory. Projections that read the same input lie side by side in one matrix, [in, out], so
 * that one matrix product serves q, k and v, and one serves gate and up.
 */
import { tf, type Tensor } from '../engine/tensorflow.js';
import { Random } from '../store/random.js';
import type { ModelConfig } from './config.js';

export interface LayerWeights {
  inputNorm: Tensor; // [h]
  qkv: Tensor; // [h, (heads + 2 kvHeads) * dim]
  qkvBias: Tensor; // [(heads + 2 kvHeads) * dim]
  o: Tensor; // [heads * dim, h]
  postNorm: Tensor; // [h]
  gateUp: Tensor; // [h, 2 mlp]
  down: Tensor; // [mlp, h]
}

export interface Model {
  config: ModelConfig;
  embed: Tensor; // [V, h], tied to the output head
  layers: LayerWeights[];
  finalNorm: Tensor; // [h]
}

const layerNames = ['inputNorm', 'qkv', 'qkvBias', 'o', 'postNorm', 'gateUp', 'down'] as const;

/** All weights in a fixed order, and back. */
export function toList(m: Model): Tensor[] {
  return [m.embed, ...m.layers.flatMap((l) => layerNames.map((n) => l[n])), m.finalNorm];
}
export function fromList(config: ModelConfig, list: Tensor[]): Model {
  const layers = Array.from({ length: config.layers }, (_, i) =>
    Object.fromEntries(layerNames.map((n, j) => [n, list[1 + i * layerNames.length + j]!])) as unknown as LayerWeights);
  return { config, embed: list[0]!, layers, finalNorm: list[list.length - 1]! };
}

/** Names of the list's tensors, for checkpoints: `embed`, `layers.0.qkv`. */
export function listNames(config: ModelConfig): string[] {
  const layers = Array.from({ length: config.layers }, (_, i) => layerNames.map((n) => `layers.${i}.${n}`));
  return ['embed', ...layers.flat(), 'finalNorm'];
}

export function disposeModel(m: Model): void {
  tf.dispose(toList(m));
}

/** Random weights: normal, std 0.02, residual projections scaled by 1/sqrt(2 layers) as in GPT-2; norms 1, biases 0. */
export function randomModel(config: ModelConfig, seed: number): Model {
  const random = new Random(seed);
  const normal = (shape: [number, number], std: number) => {
    const values = Float32Array.from({ length: shape[0] * shape[1] }, () => std * random.normal());
    return tf.keep(tf.tensor(values, shape));
  };
  const residual = 0.02 / Math.sqrt(2 * config.layers);
  const qkv = (config.heads + 2 * config.kvHeads) * config.headDim;
  const ones = () => tf.keep(tf.ones([config.hidden]));
  return {
    config,
    embed: normal([config.vocabSize, config.hidden], 0.02),
    layers: Array.from({ length: config.layers }, () => ({
      inputNorm: ones(),
      qkv: normal([config.hidden, qkv], 0.02),
      qkvBias: tf.keep(tf.zeros([qkv])),
      o: normal([config.heads * config.headDim, config.hidden], residual),
      postNorm: ones(),
      gateUp: normal([config.hidden, 2 * config.mlp], 0.02),
      down: normal([config.mlp, config.hidden], residual),
    })),
    finalNorm: ones(),
  };
}
