/** Typed calls of the fused CPU kernels in native/kernels.cc. No gradients here: see ops.ts. */
import { backend, type EngineAttribute, type Tensor } from './tensorflow.js';

/** Heads of grouped-query attention over packed rows of (heads + 2 kvHeads) * dim. */
export interface AttentionShape {
  heads: number;
  kvHeads: number;
  dim: number;
  /** RoPE base. */
  theta: number;
}

const float = (name: string, value: number): EngineAttribute => ({ name, type: backend.binding.TF_ATTR_FLOAT, value });
const int = (name: string, value: number): EngineAttribute => ({ name, type: backend.binding.TF_ATTR_INT, value });

function call<N extends number>(name: string, inputs: Tensor[], outputs: N, attributes: EngineAttribute[] = []): Tensor[] {
  return backend.executeMultipleOutputs(name, attributes, inputs, outputs);
}
const attention = (s: AttentionShape): EngineAttribute[] => [
  int('heads', s.heads), int('kv_heads', s.kvHeads), int('dim', s.dim), float('theta', s.theta),
];

export const kernels = {
  /** x [N,h], w [h] -> [y [N,h], rstd [N]] */
  rmsNorm: (x: Tensor, w: Tensor, eps: number) => call('C2lRmsNorm', [x, w], 2, [float('eps', eps)]),
  /** -> [dx [N,h], dw [h]] */
  rmsNormGrad: (dy: Tensor, x: Tensor, w: Tensor, rstd: Tensor) => call('C2lRmsNormGrad', [dy, x, w, rstd], 2),
  /** Adds (x a') b to y [N,out], in place. x [N,in], a [S,r,in], b [S,r,out], rows in S equal shares -> [low = x a' [N,r]] */
  lowRank: (y: Tensor, x: Tensor, a: Tensor, b: Tensor) => call('C2lLowRank', [y, x, a, b], 1),
  /** Adds (dy b') a to dx [N,in], in place -> [da [S,r,in], db [S,r,out]] */
  lowRankGrad: (dx: Tensor, dy: Tensor, x: Tensor, a: Tensor, b: Tensor, low: Tensor) =>
    call('C2lLowRankGrad', [dx, dy, x, a, b, low], 2),
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
