/**
 * A decoder's weights in memory. Projections that read the same input lie side by side in one matrix, [in, out], so
 * that one matrix product serves q, k and v, and one serves gate and up. In a model that is not trained the matrices are
 * frozen, which is to say packed (engine/frozen.ts).
 */
import { freeze, thaw, type Packing } from '../engine/frozen.js';
import { tf, tidy, type Tensor } from '../engine/tensorflow.js';
import { Random } from '../store/random.js';
import { packedWidth, type ModelConfig } from './config.js';

export interface LayerWeights {
  inputNorm: Tensor; // [h]
  qkv: Tensor; // [h, (heads + 2 kvHeads) * dim]
  /** Qwen2's. */
  qkvBias?: Tensor; // [(heads + 2 kvHeads) * dim]
  /** Qwen3's. */
  qNorm?: Tensor; // [dim]
  kNorm?: Tensor; // [dim]
  o: Tensor; // [heads * dim, h]
  postNorm: Tensor; // [h]
  gateUp: Tensor; // [h, 2 mlp]
  down: Tensor; // [mlp, h]
}

export interface Model {
  config: ModelConfig;
  embed: Tensor; // [V, h]; frozen as the head that it is the transpose of
  layers: LayerWeights[];
  finalNorm: Tensor; // [h]
  /** The output head, [V, h]: the embedding itself where they are tied. */
  head: Tensor;
}

const layerNames = (c: ModelConfig): (keyof LayerWeights)[] =>
  ['inputNorm', 'qkv', ...({ qwen2: ['qkvBias'], qwen3: ['qNorm', 'kNorm'], llama: [] } as const)[c.family ?? 'qwen2'], 'o', 'postNorm', 'gateUp', 'down'];

/** A layer's weights in a fixed order, and back. */
export const layerList = (c: ModelConfig, w: LayerWeights): Tensor[] => layerNames(c).map((n) => w[n]!);
export const layerFrom = (c: ModelConfig, list: readonly Tensor[]): LayerWeights =>
  Object.fromEntries(layerNames(c).map((n, i) => [n, list[i]!])) as unknown as LayerWeights;

/** All weights in a fixed order, each once, and back. */
export function toList(m: Model): Tensor[] {
  return [m.embed, ...m.layers.flatMap((l) => layerList(m.config, l)), m.finalNorm, ...(m.config.untied ? [m.head] : [])];
}
export function fromList(config: ModelConfig, list: Tensor[]): Model {
  const each = layerNames(config).length, embed = list[0]!;
  const layers = Array.from({ length: config.layers }, (_, i) => layerFrom(config, list.slice(1 + i * each, 1 + (i + 1) * each)));
  const after = 1 + config.layers * each;
  return { config, embed, layers, finalNorm: list[after]!, head: config.untied ? list[after + 1]! : embed };
}

/** Names of the list's tensors, for checkpoints: `embed`, `layers.0.qkv`. */
export function listNames(config: ModelConfig): string[] {
  const layers = Array.from({ length: config.layers }, (_, i) => layerNames(config).map((n) => `layers.${i}.${n}`));
  return ['embed', ...layers.flat(), 'finalNorm', ...(config.untied ? ['head'] : [])];
}

/** The model with its matrices packed, for all that does not train them; `model` is gone. */
export function frozen(model: Model, packing: Pick<Packing, 'half'> = {}): Model {
  const { config, layers, finalNorm } = model;
  const embed = freeze(model.embed, { ...packing, transposed: true });
  const pack = (w: Tensor) => freeze(w, packing);
  return {
    config, embed, finalNorm,
    layers: layers.map((l) => ({ ...l, qkv: pack(l.qkv), o: pack(l.o), gateUp: pack(l.gateUp), down: pack(l.down) })),
    head: config.untied ? freeze(model.head, { ...packing, transposed: true }) : embed,
  };
}

/** A copy of the model in which every weight can be trained. */
export function thawed({ config, embed, layers, finalNorm, head }: Model): Model {
  const copy = (w: Tensor, transposed = false) => tf.keep(thaw(w, transposed));
  return tidy(() => {
    const rows = copy(embed, true);
    return {
      config, embed: rows, finalNorm: copy(finalNorm), head: config.untied ? copy(head, true) : rows,
      layers: layers.map((l) => Object.fromEntries(Object.entries(l).map(([name, w]) => [name, copy(w as Tensor)])) as unknown as LayerWeights),
    };
  });
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
  const qkv = packedWidth(config);
  const ones = (size: number) => tf.keep(tf.ones([size]));
  const embed = normal([config.vocabSize, config.hidden], 0.02);
  const layers = Array.from({ length: config.layers }, (): LayerWeights => ({
    inputNorm: ones(config.hidden),
    qkv: normal([config.hidden, qkv], 0.02),
    ...(config.family === 'qwen3' && { qNorm: ones(config.headDim), kNorm: ones(config.headDim) }),
    ...((config.family ?? 'qwen2') === 'qwen2' && { qkvBias: tf.keep(tf.zeros([qkv])) }),
    o: normal([config.heads * config.headDim, config.hidden], residual),
    postNorm: ones(config.hidden),
    gateUp: normal([config.hidden, 2 * config.mlp], 0.02),
    down: normal([config.mlp, config.hidden], residual),
  }));
  const head = config.untied ? normal([config.vocabSize, config.hidden], 0.02) : embed;
  return { config, embed, layers, finalNorm: ones(config.hidden), head };
}
