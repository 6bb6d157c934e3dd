/**
 * How vectors of many repositories lie to one another, from their inner products alone: an adapter's change of all weights
 * has millions of elements, but the inner product of two such changes costs only products of their factors.
 */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { tf, tidy, type Tensor, type Tf } from '../../engine/tensorflow.js';
import { projections, type Adapter } from '../../lora/adapter.js';

/** Inner products of all pairs, R rows of R. */
export type Gram = number[][];

export interface Spread {
  /** Mean and standard deviation of the cosines of all pairs: as the vectors are, and less their mean. */
  cosine: { mean: number; deviation: number };
  centred: { mean: number; deviation: number };
  /** Root mean square distance from the mean vector, as a share of the mean vector's length. */
  relativeSpread: number;
  /** First two principal coordinates of each, as the vectors are and less their mean, and the share of all squares that these hold. */
  plane: { places: [number, number][]; share: number };
  centredPlane: { places: [number, number][]; share: number };
}

export function gramOf(vectors: readonly Float32Array[]): Gram {
  return vectors.map((a) => vectors.map((b) => { let sum = 0; for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!; return sum; }));
}

/** Of the factors themselves, all of them one after another, and of the changes of the weights alpha/r · B A. Adapters are of one shape, without a shared part. */
export function adapterGrams(adapters: readonly Adapter[]): { factors: Gram; deltas: Gram } {
  const count = adapters.length, { rank, alpha } = adapters[0]!;
  return tidy(() => {
    const sums: { factors: Tensor[]; deltas: Tensor[] } = { factors: [], deltas: [] };
    for (const layer of adapters[0]!.layers.keys()) {
      for (const p of projections) {
        const a = tf.stack(adapters.map((one) => one.layers[layer]![p].a)), b = tf.stack(adapters.map((one) => one.layers[layer]![p].b.transpose()));
        for (const factor of [a, b]) sums.factors.push(products(factor.reshape([count, -1])));
        // <B A, B' A'> = the sum of (A A'^T) * (B^T B') over the ranks of both.
        const [aa, bb] = [a, b].map((factor) => products(factor.reshape([count * rank, -1]))) as [Tensor, Tensor];
        sums.deltas.push(aa.mul(bb).reshape([count, rank, count, rank]).sum([1, 3]).mul((alpha / rank) ** 2));
      }
    }
    const read = (list: Tensor[]): Gram => rows(tf.addN(list), count);
    return { factors: read(sums.factors), deltas: read(sums.deltas) };
  });
}

const products = (x: Tensor): Tensor => tf.matMul(x as Tf.Tensor2D, x as Tf.Tensor2D, false, true);
function rows(matrix: Tensor, count: number): Gram {
  const values = matrix.dataSync<'float32'>();
  return Array.from({ length: count }, (_, i) => [...values.subarray(i * count, (i + 1) * count)]);
}

export function spreadOf(gram: Gram): Spread {
  const centre = centredGram(gram), n = gram.length;
  const squares = (of: Gram) => of.reduce((sum, row, i) => sum + row[i]!, 0);
  // The squared length of the mean is the mean of all inner products.
  const mean = gram.flat().reduce((a, b) => a + b, 0) / n ** 2;
  return {
    cosine: cosines(gram), centred: cosines(centre), relativeSpread: Math.sqrt(squares(centre) / n / Math.max(mean, Number.MIN_VALUE)),
    plane: plane(gram), centredPlane: plane(centre),
  };
}

/** The inner products of the vectors less their mean. */
function centredGram(gram: Gram): Gram {
  const n = gram.length, means = gram.map((row) => row.reduce((a, b) => a + b, 0) / n), all = means.reduce((a, b) => a + b, 0) / n;
  return gram.map((row, i) => row.map((value, k) => value - means[i]! - means[k]! + all));
}

function cosines(gram: Gram): { mean: number; deviation: number } {
  const list = gram.flatMap((row, i) => row.slice(0, i).map((value, k) => value / Math.sqrt(Math.max(gram[i]![i]! * gram[k]![k]!, Number.MIN_VALUE))));
  const mean = list.reduce((a, b) => a + b, 0) / list.length;
  return { mean, deviation: Math.sqrt(list.reduce((sum, x) => sum + (x - mean) ** 2, 0) / list.length) };
}

/** The two directions that hold the most squares. The sign of each is the one under which the cubes of its places sum to more than zero. */
function plane(gram: Gram): { places: [number, number][]; share: number } {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(new Matrix(gram), { assumeSymmetric: true });
  const order = realEigenvalues.map((value, i) => ({ value: Math.max(0, value), i })).sort((a, b) => b.value - a.value).slice(0, 2);
  const all = realEigenvalues.reduce((sum, value) => sum + Math.max(0, value), 0);
  const axes = order.map(({ value, i }) => {
    const column = eigenvectorMatrix.getColumn(i).map((x) => x * Math.sqrt(value)), third = column.reduce((sum, x) => sum + x ** 3, 0);
    return third < 0 ? column.map((x) => -x) : column;
  });
  return { places: gram.map((_, i) => [axes[0]?.[i] ?? 0, axes[1]?.[i] ?? 0]), share: all ? order.reduce((sum, { value }) => sum + value, 0) / all : 0 };
}
