/**
 * The fused kernels written with ordinary TensorFlow ops, differentiated by tfjs: what a GPU runs, and what the
 * kernels are tested against. Same shapes and meaning as ops.ts.
 */
import { checkpointed, detachedProduct } from './gradients.js';
import type { AttentionShape, LowRank } from './kernels.js';
import { tf, type Tensor, type Tf } from './tensorflow.js';

export function rmsNorm(x: Tensor, w: Tensor, eps: number): Tensor {
  return x.mul(x.square().mean(-1, true).add(eps).rsqrt()).mul(w);
}

/** `detachInput`: no gradient through the input of the terms. */
export function linear(
  x: Tensor, w: Tensor, bias: Tensor | undefined, residual: Tensor | undefined, terms: readonly LowRank[], detachInput: boolean,
): Tensor {
  let y: Tensor = tf.matMul(x as Tf.Tensor2D, w as Tf.Tensor2D);
  if (bias) y = y.add(bias);
  for (const term of terms) {
    const [a, b] = term.owner ? [tf.gather(term.a, term.owner as Tf.Tensor1D), tf.gather(term.b, term.owner as Tf.Tensor1D)] : [term.a, term.b];
    const shares = a.shape[0]!, rows = x.reshape([shares, x.shape[0]! / shares, x.shape[1]!]);
    const low = detachInput ? detachedProduct(rows, a, b) : tf.matMul(tf.matMul(rows, a, false, true), b);
    y = y.add(low.reshape(y.shape));
  }
  return residual ? residual.add(y) : y;
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

/** Queries attended to at once: [B, heads, 1024, T] scores are alive, and made again in the backward pass. */
const QUERY_ROWS = 1024;

export function attention(qkv: Tensor, start: Tensor, s: AttentionShape): Tensor {
  const T = qkv.shape[1]!;
  if (T <= QUERY_ROWS) return attend(qkv, start, s, 0, T);
  const slices: Tensor[] = [];
  for (let from = 0; from < T; from += QUERY_ROWS) {
    const to = Math.min(T, from + QUERY_ROWS);
    slices.push(checkpointed(([rows], [first]) => attend(rows!, first!, s, from, to), [qkv], [start]));
  }
  return tf.concat(slices, 1);
}

/** Outputs of the queries `from` to `to` only: [B, to - from, heads*dim]. */
function attend(qkv: Tensor, start: Tensor, s: AttentionShape, from: number, to: number): Tensor {
  const B = qkv.shape[0]!, N = to - from;
  const time = tf.range(0, to, 1, 'int32'), rows = tf.range(from, to, 1, 'int32');
  const positions = tf.maximum(time.expandDims(0).sub(start.expandDims(1)), 0);
  const { q, k, v } = split(qkv.slice([0, 0, 0], [-1, to, -1]), s);
  const queries = rope(q.slice([0, from, 0, 0], [-1, N, -1, -1]), positions.slice([0, from], [-1, N]), s.theta).transpose([0, 2, 1, 3]);
  const keys = repeat(rope(k, positions, s.theta), s), values = repeat(v, s);
  const causal = rows.expandDims(1).greaterEqual(time.expandDims(0));
  const real = time.expandDims(0).greaterEqual(start.expandDims(1));
  const mask = tf.logicalAnd(causal.expandDims(0), real.expandDims(1)).expandDims(1);
  const scores = tf.where(mask, tf.matMul(queries, keys, false, true).mul(1 / Math.sqrt(s.dim)), tf.scalar(-1e30));
  const out = tf.matMul(tf.softmax(scores), values).transpose([0, 2, 1, 3]).reshape([B, N, s.heads * s.dim]);
  return out.mul(real.slice([0, from], [-1, N]).toFloat().expandDims(-1));
}

/** Packed rows [B,T,row] -> q [B,T,heads,dim], k and v [B,T,kvHeads,dim]. */
function split(qkv: Tensor, s: AttentionShape): { q: Tensor; k: Tensor; v: Tensor } {
  const [B, T] = qkv.shape as [number, number, number];
  const [q, k, v] = tf.split(qkv, [s.heads * s.dim, s.kvHeads * s.dim, s.kvHeads * s.dim], -1) as [Tensor, Tensor, Tensor];
  const heads = (x: Tensor, n: number) => x.reshape([B, T, n, s.dim]);
  return { q: heads(q, s.heads), k: heads(k, s.kvHeads), v: heads(v, s.kvHeads) };
}

/** Each key or value head once for every query head that reads it: [B,T,kvHeads,dim] -> [B,heads,T,dim]. */
function repeat(x: Tensor, s: AttentionShape): Tensor {
  const [B, T] = x.shape as [number, number, number, number];
  const group = s.heads / s.kvHeads;
  return tf.concat(Array<Tensor>(group).fill(x.expandDims(3)), 3).reshape([B, T, s.heads, s.dim]).transpose([0, 2, 1, 3]);
}

/** Rotated keys and values, each [B,T,kvHeads,dim]. */
export type KeysAndValues = [keys: Tensor, values: Tensor];

/** What decoding keeps of the prompts' packed rows [B,T,row]. */
export function cacheFill(qkv: Tensor, start: Tensor, s: AttentionShape): KeysAndValues {
  const { k, v } = split(qkv, s);
  const positions = tf.maximum(tf.range(0, qkv.shape[1]!, 1, 'int32').expandDims(0).sub(start.expandDims(1)), 0);
  return [rope(k, positions, s.theta), v.clone()];
}

/** One new token at position `length`: packed row [B,row] -> its output [B,heads*dim], and the longer cache. */
export function decode(
  qkv: Tensor, cache: KeysAndValues, start: Tensor, length: number, s: AttentionShape,
): { out: Tensor; cache: KeysAndValues } {
  const B = qkv.shape[0]!;
  const { q, k, v } = split(qkv.expandDims(1), s);
  const position = tf.sub(length, start).expandDims(1);
  const keys = tf.concat([cache[0], rope(k, position, s.theta)], 1), values = tf.concat([cache[1], v], 1);
  const query = rope(q, position, s.theta).transpose([0, 2, 1, 3]);
  const real = tf.range(0, length + 1, 1, 'int32').expandDims(0).greaterEqual(start.expandDims(1)).expandDims(1).expandDims(1);
  const scores = tf.where(real, tf.matMul(query, repeat(keys, s), false, true).mul(1 / Math.sqrt(s.dim)), tf.scalar(-1e30));
  const out = tf.matMul(tf.softmax(scores), repeat(values, s)).reshape([B, s.heads * s.dim]);
  return { out, cache: [keys, values] };
}

/** Sum over rows of weight * cross-entropy of logits [N,V] against target [N]. */
export function crossEntropy(logits: Tensor, target: Tensor, weight: Tensor): Tensor {
  const picked = tf.logSoftmax(logits).mul(tf.oneHot(target as Tf.Tensor1D, logits.shape[1]!)).sum(1);
  return picked.mul(weight).sum().neg();
}
