/**
 * The forward pass of a decoder: pre-norm, grouped-query attention with RoPE (q/k/v bias in Qwen2, a norm of every query
 * and key head in Qwen3, neither in Llama), SwiGLU. The same code serves training (tfjs differentiates it), scoring and
 * the repository encoder.
 */
import { checkpointed, undifferentiated } from '../engine/gradients.js';
import type { AttentionShape, LowRank } from '../engine/kernels.js';
import { isFrozen, rowsOf } from '../engine/frozen.js';
import { attention, embed, feedForward, linear, logits as project, mayFuse, places, rmsNorm, swiGlu } from '../engine/ops.js';
import { tf, tidy, usesKernels, type Tensor } from '../engine/tensorflow.js';
import type { ModelConfig } from './config.js';
import { layerFrom, layerList, type LayerWeights, type Model } from './weights.js';

const adaptedWeights = ['qkv', 'o', 'gateUp', 'down'] as const;
/** Additions for the four weight matrices of a layer, any number to each, with the scale alpha/r already in b. */
export type LowRankLayer = Record<(typeof adaptedWeights)[number], readonly LowRank[]>;

export interface ForwardOptions {
  /** First real position of each left-padded sequence, int32 [B]; zeros when absent. */
  start?: Tensor;
  /** Of the last layers, one entry each. What comes before them is then computed without a gradient. */
  lora?: readonly LowRankLayer[];
  /**
   * No gradient flows through the input of the low-rank branch, as in the authors' code: a later layer then reaches an
   * earlier layer's factors through the frozen weights only. Off is the true gradient.
   */
  detachInput?: boolean;
  /** Keep only each block's input for the backward pass and compute the block again there. */
  checkpoint?: boolean;
}

export const attentionShape = (c: ModelConfig): AttentionShape =>
  ({ heads: c.heads, kvHeads: c.kvHeads, dim: c.headDim, theta: c.ropeTheta });

/** Qwen3: RMSNorm over the width of each query and key head. packed [N, row] -> [N, row]. */
function normaliseHeads(packed: Tensor, qNorm: Tensor, kNorm: Tensor, c: ModelConfig): Tensor {
  const [q, k, v] = tf.split(packed, [c.heads * c.headDim, c.kvHeads * c.headDim, c.kvHeads * c.headDim], 1) as [Tensor, Tensor, Tensor];
  const each = (x: Tensor, w: Tensor) => rmsNorm(x.reshape([-1, c.headDim]), w, c.rmsEps).reshape(x.shape);
  return tf.concat([each(q, qNorm), each(k, kNorm), v], 1);
}

export interface BlockOptions {
  lora?: LowRankLayer | undefined;
  detachInput?: boolean | undefined;
  /** Rows whose output is wanted, int32 [M], where it is not all: nothing after attention is computed for others. */
  only?: Tensor | undefined;
}

/** One block. x [N, h] -> [N, h]; `mix` turns the packed q, k, v rows [N, row] into attention's output [N, heads*dim]. */
export function block(
  x: Tensor, w: LayerWeights, c: ModelConfig, mix: (qkv: Tensor) => Tensor, { lora, detachInput = false, only }: BlockOptions = {},
): Tensor {
  const wanted = (t: Tensor) => (only ? rowsOf(t, only) : t);
  const packed = linear(rmsNorm(x, w.inputNorm, c.rmsEps), w.qkv, { bias: w.qkvBias, terms: lora?.qkv, detachInput });
  const mixed = wanted(mix(w.qNorm && w.kNorm ? normaliseHeads(packed, w.qNorm, w.kNorm, c) : packed));
  const middle = linear(mixed, w.o, { residual: wanted(x), terms: lora?.o, detachInput });
  const whole = { norm: w.postNorm, gateUp: w.gateUp, down: w.down };
  if (!lora && mayFuse(whole)) return feedForward(middle, whole, c.rmsEps);
  const gated = swiGlu(linear(rmsNorm(middle, w.postNorm, c.rmsEps), w.gateUp, { terms: lora?.gateUp, detachInput }));
  return linear(gated, w.down, { residual: middle, terms: lora?.down, detachInput });
}

/**
 * Hidden states after the final norm. ids [B,T] int32 -> [B*T, h], rows in batch order. Padding on the right needs no
 * mask: attention is causal. Gradients flow to any weight or low-rank factor that the caller differentiates; with
 * `checkpoint`, to the low-rank factors only.
 */
export function hiddenStates(model: Model, ids: Tensor, options: ForwardOptions = {}): Tensor {
  const [batch, time] = ids.shape as [number, number];
  const { config } = model, shape = attentionShape(config), { detachInput } = options;
  const at = places(options.start, batch, time, shape);
  const run = (input: Tensor, where: readonly Tensor[], w: LayerWeights, lora?: LowRankLayer) => block(input, w, config, (qkv) =>
    attention(qkv.reshape([batch, time, qkv.shape[1]!]), where, shape).reshape([batch * time, config.heads * config.headDim]), { lora, detachInput });
  const embedded = () => embed(model.embed, ids.reshape([batch * time]));
  const first = options.lora ? config.layers - options.lora.length : 0;
  const beginning = first > 0 ? undifferentiated(() => through(embedded(), 0, first)) : embedded();
  return rmsNorm(through(beginning, first, config.layers), model.finalNorm, config.rmsEps);

  /** Through these layers. What one leaves behind is gone before the next begins, but for what a backward pass needs. */
  function through(input: Tensor, from: number, to: number): Tensor {
    return model.layers.slice(from, to).reduce((before, w, i) => {
      const lora = options.lora?.[from + i - first];
      const x = tidy(() => (usesKernels && !(options.checkpoint && lora) ? run(before, at, w, lora) : again(before, w, lora)));
      if (!tf.engine().isTapeOn()) before.dispose();
      return x;
    }, input);
  }

  /** The block, computed again in the backward pass; as recorded work, which it always is where TensorFlow's ops compute. */
  function again(input: Tensor, w: LayerWeights, lora: LowRankLayer | undefined): Tensor {
    const factors = lora ? flatten(lora) : [], weights = layerList(config, w);
    const trained = !usesKernels && !isFrozen(w.qkv);
    return checkpointed(blockKey('block', config, lora, detachInput), ([first, ...rest], constants) => {
      const own = trained ? rest.slice(factors.length) : constants.slice(at.length);
      return run(first!, constants.slice(0, at.length), layerFrom(config, own), lora && unflatten(lora, rest));
    }, [input, ...factors, ...(trained ? weights : [])], [...at, ...(trained ? [] : weights)]);
  }
}

/** What a block computes, for its tensors' shapes. */
export function blockKey(what: string, c: ModelConfig, lora?: LowRankLayer, detachInput = false): string {
  const terms = lora && adaptedWeights.map((n) => lora[n].map(({ owner }) => (owner ? 'owned' : 'shared')));
  return JSON.stringify([what, attentionShape(c), c.rmsEps, c.family, terms, detachInput]);
}

/** The same additions, each changed. */
export function mapLow(lora: LowRankLayer, change: (term: LowRank) => LowRank): LowRankLayer {
  return Object.fromEntries(adaptedWeights.map((n) => [n, lora[n].map(change)])) as unknown as LowRankLayer;
}
/** The same additions for groups of rows, of which group g belongs to owner[g]; what is one for all stays so. */
export const ownedBy = (lora: LowRankLayer, owner: Tensor): LowRankLayer => mapLow(lora, (term) => (term.a.shape[0] === 1 ? term : { ...term, owner }));
/** The tensors of additions, and the same additions with others. */
export const flatten = (lora: LowRankLayer): Tensor[] => adaptedWeights.flatMap((n) => lora[n].flatMap(({ a, b, owner }) => (owner ? [a, b, owner] : [a, b])));
export function unflatten(lora: LowRankLayer, list: readonly Tensor[]): LowRankLayer {
  let at = 0;
  return mapLow(lora, ({ owner }) => ({ a: list[at++]!, b: list[at++]!, ...(owner && { owner: list[at++]! }) }));
}

/** Logits of hidden states after the final norm: [N, h] -> [N, V]. */
export const logits = (model: Model, states: Tensor): Tensor => project(states, model.head);
