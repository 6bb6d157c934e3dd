/**
 * Importance of files (paper §3.1, as the authors' code computes it): files unlike the others, long and well placed
 * count for more, stubs for less.
 *
 *   s_i = distinct_i + 0.3 size_i + path_i + depth_i + 0.15 tiny_i,   weights = softmax(s / 0.15)
 */

export interface FileFacts {
  /** Relative, with forward slashes. */
  path: string;
  tokens: number;
  lines: number;
}

const TEMPERATURE = 0.15;
const MINOR = /^(?:__init__|setup|conf|version|constants?|typings?|types)\.py$/;
const MAIN_FOLDERS = new Set(['src', 'core', 'lib']);
const MAIN_DOCUMENT = /^(?:readme|contributing)\./i;

/** One weight a file; they sum to 1. `vectors` are the file vectors [h] in the order of `files`. */
export function importanceWeights(vectors: readonly Float32Array[], files: readonly FileFacts[]): number[] {
  const distinct = distinctness(vectors), size = relativeSizes(files);
  const scores = files.map((file, i) => distinct[i]! + 0.3 * size[i]! + pathBonus(file.path) + 0.15 * tinyPenalty(file.lines));
  const top = Math.max(...scores);
  const shares = scores.map((s) => Math.exp((s - top) / TEMPERATURE));
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((x) => x / sum);
}

/** 1 - cos(u_i, m), where u_i has the direction of a file vector and m that of their mean. */
function distinctness(vectors: readonly Float32Array[]): number[] {
  const units = vectors.map(unit);
  const mean = unit(Float64Array.from(vectors[0] ?? [], (_, j) => units.reduce((sum, u) => sum + u[j]!, 0)));
  return units.map((u) => 1 - u.reduce((sum, x, j) => sum + x * mean[j]!, 0));
}

function unit(vector: Float32Array | Float64Array): Float64Array {
  let square = 0;
  for (const x of vector) square += x * x;
  const norm = Math.max(Math.sqrt(square), 1e-12);
  return Float64Array.from(vector, (x) => x / norm);
}

/** log(1 + tokens) from 0 for the smallest file to 1 for the largest; 1 where all are alike. */
function relativeSizes(files: readonly FileFacts[]): number[] {
  const logs = files.map(({ tokens }) => Math.log(1 + tokens));
  const least = Math.min(...logs), range = Math.max(...logs) - least;
  return logs.map((x) => (range > 0 ? (x - least) / range : 1));
}

function pathBonus(path: string): number {
  const folders = path.split('/');
  const name = folders.pop()!;
  const minor = MINOR.test(name) ? -0.25 : 0;
  const main = folders.some((folder) => MAIN_FOLDERS.has(folder)) || MAIN_DOCUMENT.test(name) ? 0.15 : 0;
  // The authors count a path's parts as its depth: a file at the root has depth 1, and the +0.2 of depth 0 never comes.
  const depth = folders.length === 0 ? 0.1 : 0;
  return minor + main + depth;
}

/** 0 for files of 20 lines or more. */
function tinyPenalty(lines: number): number {
  return Math.log(Math.min(lines / 20, 1) + 1e-6);
}
