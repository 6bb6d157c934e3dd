/** How vectors of many repositories lie to one another, from their inner products alone. */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import type { Gram } from '../../lora/gram.js';

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
