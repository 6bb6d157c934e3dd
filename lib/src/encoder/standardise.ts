/**
 * Vectors to mean 0 and deviation 1 in every element, by the training repositories. Repository vectors lie close
 * together (cosines of about 0.74 in the paper's encoder): without this a hypernetwork sees nearly the same input for all.
 */
import { UserError } from '../store/errors.js';
import type { NamedArray } from '../store/safetensors.js';
import { whiteningComponents } from './components.js';

export interface Standardiser {
  /** Each [width]. */
  mean: Float32Array;
  deviation: Float32Array;
  /** [count, width], of the standardised vectors: only these directions are read. All elements when absent. */
  components?: Float32Array;
}

/** Of vectors of repositories and of diffs; what is absent is read as it is. */
export interface Standardisers {
  state?: Standardiser;
  diff?: Standardiser;
}

/** Elements that hardly vary in training are divided by this share of the mean deviation, not by their own. */
const LEAST_SHARE = 0.01;

/**
 * @param training vectors of training repositories only, each [width]. Throws a UserError when there are none.
 * @param components how many principal components are read, each to deviation 1; all elements when absent
 */
export function fitStandardiser(training: readonly Float32Array[], components?: number): Standardiser {
  const width = training[0]?.length;
  if (width === undefined) throw new UserError('There are no training vectors to standardise by: check that the corpus has training repositories.');
  const mean = new Float64Array(width), square = new Float64Array(width);
  for (const v of training) for (let j = 0; j < width; j++) mean[j]! += v[j]! / training.length;
  for (const v of training) for (let j = 0; j < width; j++) square[j]! += (v[j]! - mean[j]!) ** 2 / training.length;
  const deviation = square.map(Math.sqrt);
  const least = LEAST_SHARE * deviation.reduce((sum, d) => sum + d / width, 0) || 1;
  const fitted = { mean: Float32Array.from(mean), deviation: Float32Array.from(deviation, (d) => Math.max(d, least)) };
  if (components === undefined) return fitted;
  return { ...fitted, components: whiteningComponents(training.map((v) => standardise(fitted, v)), components) };
}

/** [width] -> [width], or [count] where the standardiser has components. */
export function standardise({ mean, deviation, components }: Standardiser, vector: Float32Array): Float32Array {
  const all = vector.map((x, j) => (x - mean[j]!) / deviation[j]!);
  if (!components) return all;
  const out = new Float32Array(components.length / all.length);
  for (let k = 0, at = 0; k < out.length; k++) {
    let sum = 0;
    for (let j = 0; j < all.length; j++) sum += all[j]! * components[at++]!;
    out[k] = sum;
  }
  return out;
}

/** As tensors of a safetensors file, and back. */
export function toTensors({ mean, deviation, components }: Standardiser): Map<string, NamedArray> {
  const width = mean.length;
  const out = new Map<string, NamedArray>([['mean', { shape: [width], data: mean }], ['deviation', { shape: [width], data: deviation }]]);
  if (components) out.set('components', { shape: [components.length / width, width], data: components });
  return out;
}
export function fromTensors(tensors: ReadonlyMap<string, NamedArray>): Standardiser {
  const take = (name: string) => {
    const data = tensors.get(name)?.data;
    if (!(data instanceof Float32Array)) throw new UserError(`The tensors hold no "${name}": they are no standardiser, fit it again.`);
    return data;
  };
  return { mean: take('mean'), deviation: take('deviation'), ...(tensors.has('components') && { components: take('components') }) };
}
