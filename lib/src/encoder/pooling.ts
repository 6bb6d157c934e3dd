/** Many vectors to one. Pure functions; sums in double precision. */
import { fromHalf, toHalves } from '../store/half.js';
import type { Part } from './recipe.js';

/**
 * The parts one after the other: [parts * width]; zeros when there are no vectors.
 * @param vectors each [width]
 * @param weights of the vectors, summing to 1: what the pool `importance` uses
 */
export function poolParts(vectors: readonly Float32Array[], width: number, parts: readonly Part[], weights?: readonly number[]): Float32Array {
  const out = new Float32Array(parts.length * width);
  if (vectors.length === 0) return out;
  parts.forEach(({ pool, weight = 1 }, i) => {
    const pooled = pool === 'max' ? maximum(vectors, width) : mean(vectors, width, pool === 'importance' ? weights : undefined);
    out.set(pooled.map((x) => weight * x), i * width);
  });
  return out;
}

/** Elementwise mean, weighted where `weights` are given: [width]. */
export function mean(vectors: readonly Float32Array[], width: number, weights?: readonly number[]): Float64Array {
  const sum = new Float64Array(width);
  vectors.forEach((v, i) => {
    const share = weights ? weights[i]! : 1 / vectors.length;
    for (let j = 0; j < width; j++) sum[j]! += share * v[j]!;
  });
  return sum;
}

/** Elementwise maximum: [width]. */
export function maximum(vectors: readonly Float32Array[], width: number): Float64Array {
  const max = new Float64Array(width).fill(-Infinity);
  for (const v of vectors) for (let j = 0; j < width; j++) if (v[j]! > max[j]!) max[j] = v[j]!;
  return max;
}

/** To unit length; zeros stay zeros. */
export function l2(vector: Float32Array): Float32Array {
  const norm = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return norm > 0 ? vector.map((x) => x / norm) : vector;
}

/** Every value rounded to the nearest half-precision number. */
export function roundToHalf(vector: Float32Array): Float32Array {
  return Float32Array.from(toHalves(vector), fromHalf);
}
