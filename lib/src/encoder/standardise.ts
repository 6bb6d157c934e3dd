/**
 * Vectors to mean 0 and deviation 1 in every element, by the training repositories. Repository vectors lie close
 * together (cosines of about 0.74 in the paper's encoder): without this a hypernetwork sees nearly the same input for all.
 */
import { UserError } from '../store/errors.js';
import type { NamedArray } from '../store/safetensors.js';

export interface Standardiser {
  /** Each [width]. */
  mean: Float32Array;
  deviation: Float32Array;
}

/** Elements that hardly vary in training are divided by this share of the mean deviation, not by their own. */
const LEAST_SHARE = 0.01;

/** @param training vectors of training repositories only, each [width]. Throws a UserError when there are none. */
export function fitStandardiser(training: readonly Float32Array[]): Standardiser {
  const width = training[0]?.length;
  if (width === undefined) throw new UserError('There are no training vectors to standardise by: check that the corpus has training repositories.');
  const mean = new Float64Array(width), square = new Float64Array(width);
  for (const v of training) for (let j = 0; j < width; j++) mean[j]! += v[j]! / training.length;
  for (const v of training) for (let j = 0; j < width; j++) square[j]! += (v[j]! - mean[j]!) ** 2 / training.length;
  const deviation = square.map(Math.sqrt);
  const least = LEAST_SHARE * deviation.reduce((sum, d) => sum + d / width, 0) || 1;
  return { mean: Float32Array.from(mean), deviation: Float32Array.from(deviation, (d) => Math.max(d, least)) };
}

export function standardise({ mean, deviation }: Standardiser, vector: Float32Array): Float32Array {
  return vector.map((x, j) => (x - mean[j]!) / deviation[j]!);
}

/** As tensors of a safetensors file, and back. */
export function toTensors({ mean, deviation }: Standardiser): Map<string, NamedArray> {
  return new Map([['mean', { shape: [mean.length], data: mean }], ['deviation', { shape: [deviation.length], data: deviation }]]);
}
export function fromTensors(tensors: ReadonlyMap<string, NamedArray>): Standardiser {
  const take = (name: string) => {
    const data = tensors.get(name)?.data;
    if (!(data instanceof Float32Array)) throw new UserError(`The tensors hold no "${name}": they are no standardiser, fit it again.`);
    return data;
  };
  return { mean: take('mean'), deviation: take('deviation') };
}
