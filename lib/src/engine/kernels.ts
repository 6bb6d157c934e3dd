/** Typed calls of the fused CPU kernels in native/kernels.cc. No gradients here: see ops.ts. */
import type { EngineAttribute } from './binding.js';
import { backend, tf, usesKernels, type Tensor } from './tensorflow.js';

/** Heads of grouped-query attention over packed rows of (heads + 2 kvHeads) * dim. */
export interface AttentionShape {
  heads: number;
  kvHeads: number;
  dim: number;
  /** RoPE base. */
  theta: number;
}

/**
 * An addition of low rank to a product: (x a') b. a [S,r,in], b [S,r,out]: the adapters of S repositories, to whom the rows
 * belong in equal, consecutive shares (S is 1 for all alike); or, with `owner` [G] int32, in G equal groups, of which
 * group g belongs to owner[g]. Gradients are for the former only.
 */
export interface LowRank {
  a: Tensor;
  b: Tensor;
  owner?: Tensor;
}

const float = (name: string, value: number): EngineAttribute => ({ name, type: backend.binding.TF_ATTR_FLOAT, value });
const int = (name: string, value: number): EngineAttribute => ({ name, type: backend.binding.TF_ATTR_INT, value });

function call<N extends number>(name: string, inputs: Tensor[], outputs: N, attributes: EngineAttribute[] = []): Tensor[] {
  return backend.executeMultipleOutputs(name, attributes, inputs, outputs);
}
const attention = (s: AttentionShape): EngineAttribute[] => [
  int('heads', s.heads), int('kv_heads', s.kvHeads), int('dim', s.dim), float('theta', s.theta),
];

/** What stands for an input that is not there. */
const NOTHING: Tensor = tf.keep(tf.tensor1d([])), NOBODY: Tensor = tf.keep(tf.tensor1d([], 'int32'));

const turns = new Map<number, Tensor>();
/** 0, 1, ... to count - 1: each share of the rows has its own adapter. */
function inTurn(count: number): Tensor {
  let owners = turns.get(count);
  if (!owners) turns.set(count, owners = tf.keep(tf.range(0, count, 1, 'int32')));
  return owners;
}

/** Packed values are floats, or pairs of bfloat16 in integers. */
const valuesOf = (half: boolean): EngineAttribute =>
  ({ name: 'T', type: backend.binding.TF_ATTR_TYPE, value: half ? backend.binding.TF_INT32 : backend.binding.TF_FLOAT });
const weights = (panels: Tensor): EngineAttribute => valuesOf(panels.dtype === 'int32');

export const kernels = {
  /** w [in,out], or [out,in] when transposed -> panels [out/16,in,16], or [out/16,in,8] of bfloat16 pairs */
  pack: (w: Tensor, transposed: boolean, half: boolean) =>
    call('C2lPack', [w], 1, [valuesOf(half), int('transposed', Number(transposed)), int('narrow', Number(half))])[0]!,
  unpack: (panels: Tensor, transposed: boolean) => call('C2lUnpack', [panels], 1, [weights(panels), int('transposed', Number(transposed))])[0]!,
  /** panels of a head [h,V], ids [N] -> their columns [N,h] */
  columns: (panels: Tensor, ids: Tensor) => call('C2lColumns', [panels, ids], 1, [weights(panels)])[0]!,
  /** x [N,in], panels, add ([0] for nothing, [out] for every row, or [N,out]), at most two terms -> [y = x W + add + terms [N,out], x a' of each [N,r]] */
  linear: (x: Tensor, panels: Tensor, add: Tensor = NOTHING, terms: readonly LowRank[] = []) => {
    const own = terms.flatMap(({ a, b, owner }) => [a, b, owner ?? inTurn(a.shape[0]!)]);
    return call('C2lLinear', [x, panels, add, ...own, ...[NOTHING, NOTHING, NOBODY, NOTHING, NOTHING, NOBODY].slice(own.length)], 3, [weights(panels)]);
  },
  /** dy [N,out], panels, for each term dlow [N,r] and a -> dx [N,in] */
  linearGrad: (dy: Tensor, panels: Tensor, terms: readonly Tensor[] = []) =>
    call('C2lLinearGrad', [dy, panels, ...terms, ...[NOTHING, NOTHING, NOTHING, NOTHING].slice(terms.length)], 1, [weights(panels)])[0]!,
  /** -> [dlow = dy b' [N,r], da [S,r,in], db [S,r,out]] */
  lowRankGrad: (dy: Tensor, x: Tensor, a: Tensor, b: Tensor, low: Tensor) => call('C2lLowRankGrad', [dy, x, a, b, low], 3),
  /** x [N,h], norm [h], packed gate and up [h,2m] and down [m,h], both of one type -> x + down(silu(gate) * up) of the normalised x */
  feedForward: (x: Tensor, norm: Tensor, gateUp: Tensor, down: Tensor, eps: number) =>
    call('C2lFeedForward', [x, norm, gateUp, down], 1, [weights(gateUp), float('eps', eps)])[0]!,
  /** x [N,h], w [h] -> [y [N,h], rstd [N]] */
  rmsNorm: (x: Tensor, w: Tensor, eps: number) => call('C2lRmsNorm', [x, w], 2, [float('eps', eps)]),
  /** -> [dx [N,h], dw [h]] */
  rmsNormGrad: (dy: Tensor, x: Tensor, w: Tensor, rstd: Tensor) => call('C2lRmsNormGrad', [dy, x, w, rstd], 2),
  /** gate and up side by side [N,2m] -> [silu(gate)*up [N,m]] */
  swiGlu: (gu: Tensor) => call('C2lSwiGlu', [gu], 1),
  swiGluGrad: (dy: Tensor, gu: Tensor) => call('C2lSwiGluGrad', [dy, gu], 1),
  /** qkv [B,T,row], start [B] -> [out [B,T,heads*dim], lse [B,heads,T]] */
  attention: (qkv: Tensor, start: Tensor, s: AttentionShape) => call('C2lAttention', [qkv, start], 2, attention(s)),
  attentionGrad: (dout: Tensor, qkv: Tensor, start: Tensor, out: Tensor, lse: Tensor, s: AttentionShape) =>
    call('C2lAttentionGrad', [dout, qkv, start, out, lse], 1, attention(s)),
  /** qkv [B,T,row], start [B] -> [cache [2,B,kvHeads,capacity,dim]] */
  cacheFill: (qkv: Tensor, start: Tensor, capacity: number, s: AttentionShape) =>
    call('C2lCacheFill', [qkv, start], 1, [...attention(s), int('capacity', capacity)]),
  /** qkv [B,row] of one new token, cache (written in place at `length`), start [B], length [1] -> [out [B,heads*dim]] */
  decode: (qkv: Tensor, cache: Tensor, start: Tensor, length: Tensor, s: AttentionShape) =>
    call('C2lDecode', [qkv, cache, start, length], 1, attention(s)),
  /** logits [N,V], target [N], weight [N] -> [loss [N], weighted dlogits [N,V]] */
  crossEntropy: (logits: Tensor, target: Tensor, weight: Tensor) => call('C2lCrossEntropy', [logits, target, weight], 2),
  /** hyper = [lr, beta1, beta2, eps, decay, 1-beta1^t, 1-beta2^t, gradient scale]; p, m and v change in place */
  adamW: (p: Tensor, m: Tensor, v: Tensor, g: Tensor, hyper: Tensor): void => void call('C2lAdamW', [p, m, v, g, hyper], 0),
  /** sum(x^2) / 2 */
  halfSquaredNorm: (x: Tensor) =>
    backend.executeSingleOutput('L2Loss', [{ name: 'T', type: backend.binding.TF_ATTR_TYPE, value: backend.binding.TF_FLOAT }], [x]),
};

/** Gives memory that was freed between arrays still in use back to the system: worth its time where large arrays follow. */
export function trimMemory(): void {
  if (usesKernels) call('C2lTrim', [], 0);
}
