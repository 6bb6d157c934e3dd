/**
 * Inner products of adapters, all pairs of them: of their factors, and of the changes of weights that these make. Such a
 * change has millions of elements, but ⟨BA, B'A'⟩ = Σ (AA'ᵀ) ∘ (BᵀB') needs only products of the factors.
 */
import { tf, tidy, type Tensor, type Tf } from '../engine/tensorflow.js';
import { projections, type Adapter, type Projection } from './adapter.js';

/** Inner products of all pairs, R rows of R. */
export type Gram = number[][];

/** Of the changes alpha/r · B A, over all layers. Adapters are of one shape, without a shared part. @param only the types of weight matrices; all when absent */
export function deltaGram(adapters: readonly Adapter[], only: readonly Projection[] = projections): Gram {
  const count = adapters.length, { rank, alpha, depth, layers } = adapters[0]!;
  // One entry may stand for all layers.
  const entries = depth / layers.length;
  return summed(adapters, only, (a, b) => {
    const [aa, bb] = [a, b].map((factor) => products(factor.reshape([count * rank, -1]))) as [Tensor, Tensor];
    return aa.mul(bb).reshape([count, rank, count, rank]).sum([1, 3]).mul(entries * (alpha / rank) ** 2);
  });
}

/** Of all factors, one after another. */
export const factorGram = (adapters: readonly Adapter[]): Gram =>
  summed(adapters, projections, (...factors) => tf.addN(factors.map((factor) => products(factor.reshape([adapters.length, -1])))));

/** @param of the A [R, r, in] and the transposed B [R, r, out] of one weight matrix */
function summed(adapters: readonly Adapter[], types: readonly Projection[], of: (a: Tensor, b: Tensor) => Tensor): Gram {
  const count = adapters.length;
  const values = tidy(() => tf.addN([...adapters[0]!.layers.keys()].flatMap((layer) => types.map((p) =>
    of(tf.stack(adapters.map((one) => one.layers[layer]![p].a)), tf.stack(adapters.map((one) => one.layers[layer]![p].b.transpose())))))).dataSync<'float32'>());
  return Array.from({ length: count }, (_, i) => [...values.subarray(i * count, (i + 1) * count)]);
}

const products = (x: Tensor): Tensor => tf.matMul(x as Tf.Tensor2D, x as Tf.Tensor2D, false, true);
