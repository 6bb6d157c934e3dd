/** Keys and values of one layer while tokens are generated, and attention over them: our kernels' on a CPU, TensorFlow's ops elsewhere. */
import * as composite from './composite.js';
import { kernels, type AttentionShape } from './kernels.js';
import { byKernel } from './ops.js';
import { tf, type Tensor, type Tf } from './tensorflow.js';

/** Of the prompts' rows qkv [B,T,row], placed as `ops.places` says: one tensor [2,B,kvHeads,capacity,dim], or keys and values, [B*kvHeads*capacity,dim] each. */
export const openCache = (qkv: Tensor, at: readonly Tensor[], capacity: number, s: AttentionShape): Tensor[] =>
  (byKernel(s) ? kernels.cacheFill(qkv, at[0]!, capacity, s) : composite.cacheFill(qkv, at, capacity, s));

/** Where each sequence begins, one row a sequence, of what `ops.places` gave. */
export const beginningsOf = (at: readonly Tensor[]): Tensor => at.at(-1)!;

/** Where the token at `length` stands, made once for all layers. */
export const nextPlace = (beginnings: Tensor, length: number, capacity: number, s: AttentionShape): Tensor[] =>
  (byKernel(s) ? [beginnings, tf.tensor1d([length], 'int32')] : composite.nextPlace(beginnings, length, capacity, s));

/** qkv [B,row] of one new token a sequence -> [B,heads*dim]; the cache is written to. */
export const decode = (qkv: Tensor, cache: readonly Tensor[], at: readonly Tensor[], s: AttentionShape): Tensor =>
  (byKernel(s) ? kernels.decode(qkv, cache[0]!, at[0]!, at[1]!, s)[0]! : composite.decode(qkv, cache as composite.KeysAndValues, at, s));

/** A tensor of a cache of `count` sequences for these of them only. */
export function ofSequences(tensor: Tensor, sequences: Tensor, count: number, s: AttentionShape): Tensor {
  if (byKernel(s)) return tf.gather(tensor, sequences as Tf.Tensor1D, 1);
  return tf.gather(tensor.reshape([count, -1]), sequences as Tf.Tensor1D).reshape([-1, s.dim]);
}
