/**
 * The directions in which vectors differ most (principal components), each to deviation 1: PCA whitening. There are more
 * elements in a vector than training repositories, so a network that reads all of them can tell each repository by
 * details that no other has, and learns them by heart. The first few directions leave it what repositories share.
 */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** A direction with less than this share of the first one's variance is rounding, not a difference between vectors. */
const LEAST_VARIANCE = 1e-6;

/**
 * @param rows vectors of mean 0, each [width]
 * @returns [count, width], the largest variance first: the product of a row with the vectors has deviation 1. Rows are
 *   zero where the vectors span fewer directions.
 */
export function whiteningComponents(rows: readonly Float32Array[], count: number): Float32Array {
  const width = rows[0]!.length, vectors = rows.map((row) => Float64Array.from(row));
  // Eigenvectors of the smaller of the two products: [width, width], or [rows, rows] and from there.
  const wide = width > rows.length;
  const sides = wide ? vectors : Array.from({ length: width }, (_, j) => Float64Array.from(vectors, (v) => v[j]!));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(gram(sides), { assumeSymmetric: true });
  const largest = realEigenvalues.map((value, i) => ({ value, i })).sort((a, b) => b.value - a.value).slice(0, count);
  const out = new Float32Array(count * width);
  largest.forEach(({ value, i }, k) => {
    if (value <= LEAST_VARIANCE * largest[0]!.value) return;
    const own = eigenvectorMatrix.getColumn(i);
    const direction = wide ? combine(vectors, own.map((x) => x / Math.sqrt(value))) : own;
    for (let j = 0; j < width; j++) out[k * width + j] = direction[j]! / Math.sqrt(value / rows.length);
  });
  return out;
}

/** All inner products. */
function gram(vectors: readonly Float64Array[]): Matrix {
  const out = Matrix.zeros(vectors.length, vectors.length);
  vectors.forEach((a, i) => {
    for (let k = 0; k <= i; k++) {
      const b = vectors[k]!;
      let sum = 0;
      for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
      out.set(i, k, sum);
      out.set(k, i, sum);
    }
  });
  return out;
}

/** The sum of the vectors, each times its factor. */
function combine(vectors: readonly Float64Array[], factors: readonly number[]): Float64Array {
  const out = new Float64Array(vectors[0]!.length);
  vectors.forEach((v, n) => { for (let j = 0; j < out.length; j++) out[j]! += factors[n]! * v[j]!; });
  return out;
}
