/** A commit as a vector: its production diff is one text, pooled over its windows (paper §3.3). */
import { poolParts, roundToHalf } from './pooling.js';
import type { DiffRecipe } from './recipe.js';
import { blobId, type VectorCache } from './vector-cache.js';

/** Diffs encoded together: small ones fill a batch only with others. */
const GROUP_CHARACTERS = 1_000_000;

/**
 * Each with the vector of its diff, in order.
 * @param cache of the recipe's windows
 */
export async function* withDiffVectors<T extends { diff: string }>(list: AsyncIterable<T>, cache: VectorCache, recipe: DiffRecipe): AsyncGenerator<[T, Float32Array]> {
  let group: T[] = [], characters = 0;
  async function* encoded(): AsyncGenerator<[T, Float32Array]> {
    const vectors = await diffVectors(group.map(({ diff }) => diff), cache, recipe);
    yield* group.map((item, i): [T, Float32Array] => [item, vectors[i]!]);
    group = [];
    characters = 0;
  }
  for await (const item of list) {
    group.push(item);
    if ((characters += item.diff.length) > GROUP_CHARACTERS) yield* encoded();
  }
  yield* encoded();
}

/** One vector a diff, [parts * h]; zeros for a diff without a window. The windows of all diffs are encoded together. */
export async function diffVectors(diffs: readonly string[], cache: VectorCache, recipe: DiffRecipe): Promise<Float32Array[]> {
  const out: Float32Array[] = [];
  for await (const { vectors } of cache.windowVectors(diffs.map((text) => ({ blob: blobId(Buffer.from(text)), text })))) {
    const pooled = poolParts(vectors, cache.embedder.hidden, recipe.overWindows);
    out.push(recipe.half ? roundToHalf(pooled) : pooled);
  }
  return out;
}
