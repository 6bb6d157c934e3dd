/**
 * The forward pass of a Qwen2-family decoder: pre-norm, grouped-query attention with RoPE and q/k/v bias, SwiGLU.
 * The same code serves training (tfjs differentiates it), scoring and the repository encoder.
 */
import { attention, rmsNorm, swiGlu } from '../engine/ops.js';
import { tf, type Tensor, type Tf } from '../engine/tensorflow.js';
import type { AttentionShape } from '../engine/kernels.js';
import type { ModelConfig } from './config.js';
import type { LayerWeights, Model } from './weights.js';

/**
 * A low-rank addition to one weight matrix: y = x W + (x A) B, with the scale alpha/r already in B.
 * A [in, r] and B [r, out] for all samples alike, or [R, in, r] and [R, r, out] where the batch holds R repositories
 * in equal, consecutive shares.
 */
export interface LowRank {
  a: Tensor;
  b: Tensor;
}
/** Additions for the four weight matrices of a layer. One entry serves all layers, or there is one a layer. */
export interface LowRankLayer {
  qkv: LowRank;
  o: LowRank;
  gateUp: LowRank;
  down: LowRank;
}

export interface ForwardOptions {
  /** First real position of each left-padded sequence, int32 [B]; zeros when absent. */
  start?: Tensor;
  lora?: LowRankLayer[];
}

type T2 = Tf.Tensor2D;

function linear(x: Tensor, w: Tensor, lora: LowRank | undefined): Tensor {
  const y = tf.matMul(x as T2, w as T2);
  if (!lora) return y;
  if (lora.a.rank === 2) return y.add(tf.matMul(tf.matMul(x as T2, lora.a as T2), lora.b as T2));
  const repos = lora.a.shape[0]!;
  const grouped = x.reshape([repos, x.shape[0]! / repos, x.shape[1]!]);
  return y.add(tf.matMul(tf.matMul(grouped, lora.a), lora.b).reshape(y.shape));
}

export const attentionShape = (c: ModelConfig): AttentionShape =>
  ({ heads: c.heads, kvHeads: c.kvHeads, dim: c.headDim, theta: c.ropeTheta });

/** One block. x [N, h] -> [N, h]; `mix` turns the packed q, k, v rows [N, row] into attention's output [N, heads*dim]. */
export function block(x: Tensor, w: LayerWeights, c: ModelConfig, mix: (qkv: Tensor) => Tensor, lora?: LowRankLayer): Tensor {
  const mixed = mix(linear(rmsNorm(x, w.inputNorm, c.rmsEps), w.qkv, lora?.qkv).add(w.qkvBias));
  const middle = x.add(linear(mixed, w.o, lora?.o));
  const gated = swiGlu(linear(rmsNorm(middle, w.postNorm, c.rmsEps), w.gateUp, lora?.gateUp));
  return middle.add(linear(gated, w.down, lora?.down));
}

/**
 * Hidden states after the final norm. ids [B,T] int32 -> [B*T, h], rows in batch order.
 * Gradients flow to any weight or low-rank factor that the caller differentiates.
 */
export function hiddenStates(model: Model, ids: Tensor, options: ForwardOptions = {}): Tensor {
  const [batch, time] = ids.shape as [number, number];
  const start = options.start ?? tf.zeros([batch], 'int32');
  const { config } = model;
  const mix = (qkv: Tensor) => attention(qkv.reshape([batch, time, qkv.shape[1]!]), start, attentionShape(config))
    .reshape([batch * time, config.heads * config.headDim]);
  let x: Tensor = tf.gather(model.embed, ids.reshape([batch * time]) as Tf.Tensor1D);
  model.layers.forEach((w, i) => {
    const lora = options.lora && (options.lora.length === 1 ? options.lora[0] : options.lora[i]);
    x = block(x, w, config, mix, lora);
  });
  return rmsNorm(x, model.finalNorm, config.rmsEps);
}
