/**
 * The fused kernels written with ordinary TensorFlow ops, differentiated by tfjs: what a GPU runs, and what the
 * kernels are tested against. Same shapes and meaning as ops.ts.
 */
import type { AttentionShape } from './kernels.js';
import { tf, type Tensor, type Tf } from './tensorflow.js';

export function rmsNorm(x: Tensor, w: Tensor, eps: number): Tensor {
  return x.mul(x.square().mean(-1, true).add(eps).rsqrt()).mul(w);
}

export function swiGlu(gu: Tensor): Tensor {
  const [gate, up] = tf.split(gu, 2, -1) as [Tensor, Tensor];
  return gate.mul(gate.sigmoid()).mul(up);
}

/** RoPE in rotate-half layout; x [B,T,heads,dim], positions [B,T]. */
function rope(x: Tensor, positions: Tensor, theta: number): Tensor {
  const dim = x.shape[3]!;
  const frequency = tf.pow(theta, tf.range(0, dim / 2).mul(-2 / dim));
  const angle = positions.toFloat().expandDims(-1).mul(frequency).expandDims(2);
  const [a, b] = tf.split(x, 2, -1) as [Tensor, Tensor];
  const cos = angle.cos(), sin = angle.sin();
  return tf.concat([a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))], -1);
}

export function attention(qkv: Tensor, start: Tensor, s: AttentionShape): Tensor {
  const [B, T] = qkv.shape as [number, number, number];
  const time = tf.range(0, T, 1, 'int32');
  const positions = tf.maximum(time.expandDims(0).sub(start.expandDims(1)), 0);
  const [q, k, v] = tf.split(qkv, [s.heads * s.dim, s.kvHeads * s.dim, s.kvHeads * s.dim], -1) as [Tensor, Tensor, Tensor];
  const group = s.heads / s.kvHeads;
  const heads = (x: Tensor, n: number) => x.reshape([B, T, n, s.dim]);
  const repeat = (x: Tensor) =>
    tf.concat(Array<Tensor>(group).fill(x.expandDims(3)), 3).reshape([B, T, s.heads, s.dim]).transpose([0, 2, 1, 3]);
  const queries = rope(heads(q, s.heads), positions, s.theta).transpose([0, 2, 1, 3]);
  const keys = repeat(rope(heads(k, s.kvHeads), positions, s.theta));
  const values = repeat(heads(v, s.kvHeads));
  const causal = time.expandDims(1).greaterEqual(time.expandDims(0));
  const real = time.expandDims(0).greaterEqual(start.expandDims(1));
  const mask = tf.logicalAnd(causal.expandDims(0), real.expandDims(1)).expandDims(1);
  const scores = tf.where(mask, tf.matMul(queries, keys, false, true).mul(1 / Math.sqrt(s.dim)), tf.scalar(-1e30));
  const out = tf.matMul(tf.softmax(scores), values).transpose([0, 2, 1, 3]).reshape([B, T, s.heads * s.dim]);
  return out.mul(real.toFloat().expandDims(-1));
}

/** Sum over rows of weight * cross-entropy of logits [N,V] against target [N]. */
export function crossEntropy(logits: Tensor, target: Tensor, weight: Tensor): Tensor {
  const picked = tf.logSoftmax(logits).mul(tf.oneHot(target as Tf.Tensor1D, logits.shape[1]!)).sum(1);
  return picked.mul(weight).sum().neg();
}
