/** How near repositories lie to one another, by the cosines between their vectors. */
import { from, type ColumnTable } from 'arquero';
import { fitStandardiser, standardise } from '../../encoder/standardise.js';

/** Vectors of one length, by repository. */
export type VectorsByName = ReadonlyMap<string, Float32Array>;

/** 0 where one of the vectors is zero: that of a repository without files. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let ab = 0, aa = 0, bb = 0;
  for (let j = 0; j < a.length; j++) {
    ab += a[j]! * b[j]!;
    aa += a[j]! ** 2;
    bb += b[j]! ** 2;
  }
  return aa && bb ? ab / Math.sqrt(aa * bb) : 0;
}

/** Of every pair of repositories, each pair once. */
export function pairCosines(vectors: VectorsByName): number[] {
  const all = [...vectors.values()];
  return all.flatMap((a, i) => all.slice(i + 1).map((b) => cosine(a, b)));
}

/** Mean 0 and deviation 1 in every element over `training`, the repositories whose vectors may be known beforehand. */
export function standardiseBy(vectors: VectorsByName, training: Iterable<string>): Map<string, Float32Array> {
  const fitted = fitStandardiser([...training].flatMap((id) => vectors.get(id) ?? []));
  return new Map([...vectors].map(([id, vector]) => [id, standardise(fitted, vector)]));
}

/** Each of `repositories` with the `count` others whose vectors are nearest to its own, nearest first; a column each kind of vectors. */
export function nearestTable(kinds: Readonly<Record<string, VectorsByName>>, repositories: Iterable<string>, count: number): ColumnTable {
  return from([...repositories].map((repository) => ({
    repository, ...Object.fromEntries(Object.entries(kinds).map(([kind, vectors]) => [kind, nearest(vectors, repository, count)])),
  })));
}

function nearest(vectors: VectorsByName, repository: string, count: number): string {
  const own = vectors.get(repository)!;
  return [...vectors].filter(([id]) => id !== repository).map(([id, vector]) => ({ id, near: cosine(own, vector) }))
    .sort((a, b) => b.near - a.near).slice(0, count).map(({ id, near }) => `${id} ${near.toFixed(3)}`).join(', ');
}
