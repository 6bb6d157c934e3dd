/**
 * The fused kernels written with ordinary TensorFlow ops, differentiated by tfjs: what a GPU runs, and what the
 * kernels are tested against. Same shapes and meaning as ops.ts. Everything here may be part of recorded work
 * (recorded.ts), and is computed on the device: comparisons are of floats, since TensorFlow keeps integers on the host.
 */
import { rowsOf, widen } from './frozen.js';
import { checkpointed, detachedProduct } from './gradients.js';
import type { AttentionShape, LowRank } from './kernels.js';
import { recorded } from './recorded.js';
import { backend, tf, type Tensor, type Tf } from './tensorflow.js';

export function rmsNorm(x: Tensor, w: Tensor, eps: number): Tensor {
  return x.mul(x.square().mean(-1, true).add(eps).rsqrt()).mul(w);
}

/** `detachInput`: no gradient through the input of the terms. */
export function linear(
  x: Tensor, w: Tensor, bias: Tensor | undefined, residual: Tensor | undefined, terms: readonly LowRank[], detachInput: boolean,
): Tensor {
  let y: Tensor = tf.matMul(x as Tf.Tensor2D, widen(w) as Tf.Tensor2D);
  if (bias) y = y.add(bias);
  for (const term of terms) {
    const [a, b] = term.owner ? [rowsOf(term.a, term.owner), rowsOf(term.b, term.owner)] : [term.a, term.b];
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

/** Tables of RoPE in rotate-half layout, [B,1,T,dim] each for float positions [B,T]: x·cos + (halves of x swapped)·sin turns a head. */
function rotation(positions: Tensor, { dim, theta }: AttentionShape): [cos: Tensor, sin: Tensor] {
  const frequency = tf.tensor1d(Array.from({ length: dim / 2 }, (_, i) => theta ** ((-2 * i) / dim)));
  const angle = positions.expandDims(1).expandDims(-1).mul(frequency);
  const cos = angle.cos(), sin = angle.sin();
  return [tf.concat([cos, cos], -1), tf.concat([sin.neg(), sin], -1)];
}

function turn(x: Tensor, cos: Tensor, sin: Tensor): Tensor {
  const [a, b] = tf.split(x, 2, -1) as [Tensor, Tensor];
  return x.mul(cos).add(tf.concat([b, a], -1).mul(sin));
}

/**
 * What attention needs to know of the sequences of a batch, made once for all layers: RoPE's tables, [B,1,T,dim], and the
 * first real position of each, [B,1,1]. Without `start` nothing is padded on the left, and there is one table for all.
 */
export function places(start: Tensor | undefined, time: number, s: AttentionShape): Tensor[] {
  return recorded(`places of ${time} ${JSON.stringify(s)}`, start ? [start] : [], ([starts]) => {
    const all = tf.range(0, time).expandDims(0);
    if (!starts) return rotation(all, s);
    const first = starts.toFloat().expandDims(1);
    return [...rotation(tf.maximum(all.sub(first), 0), s), first.expandDims(2)];
  });
}

/** Scores alive at once, and made again in the backward pass: 512 MB of them. */
const SCORES = 2 ** 27;

/** qkv [B,T,row] -> [B,T,heads*dim]; padded rows are zero. */
export function attention(qkv: Tensor, [cos, sin, first]: readonly Tensor[], s: AttentionShape, atOnce = SCORES): Tensor {
  const [B, T] = qkv.shape as [number, number, number];
  const { q, k, v } = heads(qkv, cos!, sin!, s);
  const rows = Math.max(64, Math.floor(atOnce / (B * s.heads * T)));
  if (T <= rows) return attend(q, k, v, first, s);
  const slices: Tensor[] = [];
  for (let from = 0; from < T; from += rows) {
    const to = Math.min(T, from + rows);
    const some = [q.slice([0, 0, from, 0], [-1, -1, to - from, -1]), ...[k, v].map((x) => x.slice([0, 0, 0, 0], [-1, -1, to, -1]))];
    slices.push(checkpointed('attention', ([a, b, c], [d]) => attend(a!, b!, c!, d, s), some, first ? [first] : []));
  }
  return tf.concat(slices, 1);
}

/** Turned queries, scaled, [B,heads,T,dim]; turned keys and values [B,kvHeads,T,dim]. */
function heads(qkv: Tensor, cos: Tensor, sin: Tensor, s: AttentionShape): { q: Tensor; k: Tensor; v: Tensor } {
  const [B, T] = qkv.shape as [number, number, number];
  const all = qkv.reshape([B, T, s.heads + 2 * s.kvHeads, s.dim]).transpose([0, 2, 1, 3]);
  const [turning, v] = tf.split(all, [s.heads + s.kvHeads, s.kvHeads], 1) as [Tensor, Tensor];
  const [q, k] = tf.split(turn(turning, cos, sin), [s.heads, s.kvHeads], 1) as [Tensor, Tensor];
  return { q: q.mul(1 / Math.sqrt(s.dim)), k, v };
}

/** Outputs [B,N,heads*dim] of queries [B,heads,N,dim], the last of the positions of the keys and values. Each key head serves its group of query heads. */
function attend(q: Tensor, k: Tensor, v: Tensor, first: Tensor | undefined, s: AttentionShape): Tensor {
  const [B, , N] = q.shape as [number, number, number, number], to = k.shape[2]!, group = s.heads / s.kvHeads;
  const row = tf.range(to - N, to).reshape([1, N, 1]), column = tf.range(0, to).reshape([1, 1, to]);
  const causal = tf.lessEqual(column, row), seen = first ? tf.logicalAnd(causal, tf.greaterEqual(column, first)) : causal;
  const hidden = seen.toFloat().sub(1).mul(1e30).reshape([first ? B : 1, 1, 1, N, to]);
  const scores = tf.matMul(q.reshape([B, s.kvHeads, group * N, s.dim]), k, false, true).reshape([B, s.kvHeads, group, N, to]);
  const weights = tf.softmax(scores.add(hidden)).reshape([B, s.kvHeads, group * N, to]);
  const out = tf.matMul(weights, v).reshape([B, s.heads, N, s.dim]).transpose([0, 2, 1, 3]).reshape([B, N, s.heads * s.dim]);
  return first ? out.mul(tf.greaterEqual(row, first).toFloat()) : out;
}

/** Turned keys and values as rows of one head at one position, [B*kvHeads*capacity, dim]: a new position is written in place. */
export type KeysAndValues = [keys: Tensor, values: Tensor];

/** What decoding keeps of the prompts' packed rows [B,T,row], with room for `capacity` positions. */
export function cacheFill(qkv: Tensor, [cos, sin]: readonly Tensor[], capacity: number, s: AttentionShape): KeysAndValues {
  const { k, v } = heads(qkv, cos!, sin!, s), room = capacity - qkv.shape[1]!;
  return [k, v].map((x) => tf.pad(x, [[0, 0], [0, 0], [0, room], [0, 0]]).reshape([-1, s.dim])) as KeysAndValues;
}

/**
 * For the token at `length` of sequences whose first real positions are `first` [B,1,1]: RoPE's tables [B,1,1,dim], what
 * hides the cache's other positions [B,1,1,capacity], and its rows in the cache [B*kvHeads], as floats.
 */
export function nextPlace(first: Tensor, length: number, capacity: number, s: AttentionShape): Tensor[] {
  return recorded(`next place of ${capacity} ${JSON.stringify(s)}`, [first, tf.tensor2d([length], [1, 1])], ([starts, now]) => {
    const B = starts!.shape[0]!, column = tf.range(0, capacity).reshape([1, 1, 1, capacity]);
    const seen = tf.logicalAnd(tf.lessEqual(column, now!), tf.greaterEqual(column, starts!.expandDims(3)));
    const rows = tf.range(0, B * s.kvHeads).mul(capacity).add(now!.reshape([1]));
    return [...rotation(now!.sub(starts!.reshape([B, 1])), s), seen.toFloat().sub(1).mul(1e30), rows];
  });
}

/** One new token: packed row [B,row] -> its output [B,heads*dim]; the cache is written to. `place` as nextPlace gives it. */
export function decode(qkv: Tensor, cache: KeysAndValues, place: readonly Tensor[], s: AttentionShape): Tensor {
  const [cos, sin, hidden, rows] = place as [Tensor, Tensor, Tensor, Tensor];
  const B = qkv.shape[0]!, at = rows.toInt();
  const { q, k, v } = heads(qkv.expandDims(1), cos, sin, s);
  const [keys, values] = [k, v].map((x, i) => replaceRows(cache[i]!, at, x.reshape([-1, s.dim])).reshape([B, s.kvHeads, -1, s.dim])) as [Tensor, Tensor];
  const scores = tf.matMul(q.reshape([B, s.kvHeads, -1, s.dim]), keys, false, true).add(hidden);
  return tf.matMul(tf.softmax(scores), values).reshape([B, s.heads * s.dim]);
}

/** x with these rows replaced, in the memory of x. */
const replaceRows = (x: Tensor, rows: Tensor, by: Tensor): Tensor =>
  backend.executeSingleOutput('InplaceUpdate', [{ name: 'T', type: backend.binding.TF_ATTR_TYPE, value: backend.binding.TF_FLOAT }], [x, rows, by]);

/** logits [N,V], target [N] int32, weight [N] -> [loss [N], weighted dlogits [N,V]] */
export function crossEntropy(logits: Tensor, target: Tensor, weight: Tensor): Tensor[] {
  const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = backend.binding;
  const [loss, gradient] = backend.executeMultipleOutputs('SparseSoftmaxCrossEntropyWithLogits', [
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT }, { name: 'Tlabels', type: TF_ATTR_TYPE, value: TF_INT32 },
  ], [logits, target], 2) as [Tensor, Tensor];
  return [loss, gradient.mul(weight.expandDims(1))];
}

/** The kernel's arithmetic; [p, m, v] after the update. `hyper` as the kernel takes it, `decay` in its place being the parameter's own. */
export function adamW(p: Tensor, m: Tensor, v: Tensor, g: Tensor, hyper: readonly Tensor[], decays: boolean): Tensor[] {
  const [lr, b1, b2, eps, decay, c1, c2, scale] = hyper as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
  const gs = g.mul(scale);
  const mo = m.mul(b1).add(gs.mul(tf.sub(1, b1))), vo = v.mul(b2).add(gs.square().mul(tf.sub(1, b2)));
  const kept = decays ? p.mul(tf.sub(1, lr.mul(decay))) : p;
  return [kept.sub(mo.div(c1).mul(lr).div(vo.div(c2).sqrt().add(eps))), mo, vo];
}
