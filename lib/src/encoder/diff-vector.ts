/** A commit as a vector: its production diff is one text, pooled over its windows (paper §3.3). */
import { poolParts, roundToHalf } from './pooling.js';
import type { DiffRecipe } from './recipe.js';
import { blobId, type VectorCache } from './vector-cache.js';

/**
 * One vector a diff, [parts * h]; zeros for a diff without a window. The windows of all diffs are encoded together.
 * @param cache of the recipe's windows
 */
export async function diffVectors(diffs: readonly string[], cache: VectorCache, recipe: DiffRecipe): Promise<Float32Array[]> {
  const out: Float32Array[] = [];
  for await (const { vectors } of cache.windowVectors(diffs.map((text) => ({ blob: blobId(Buffer.from(text)), text })))) {
    const pooled = poolParts(vectors, cache.embedder.hidden, recipe.overWindows);
    out.push(recipe.half ? roundToHalf(pooled) : pooled);
  }
  return out;
}
