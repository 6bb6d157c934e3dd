/**
 * A repository as one vector (paper §3.1): files -> windows of tokens -> frozen model -> a vector a window -> a vector a
 * file -> pooled over files. The recipe says how at each step.
 */
import { chooseFiles, type ReadableFile } from './files.js';
import { type FileFacts, importanceWeights } from './importance.js';
import { l2, maximum, mean, poolParts, roundToHalf } from './pooling.js';
import { type EncoderRecipe, inPart } from './recipe.js';
import type { VectorCache } from './vector-cache.js';

/** Settings of a profile: sizes, and whatever differs from reading in part. */
export type EncoderConfig = Pick<EncoderRecipe, 'window' | 'overlap' | 'minTail' | 'maxWindows' | 'maxFiles'> & Partial<EncoderRecipe> & {
  /** The model that reads, by any name that a model has here; the frozen model that answers when absent. */
  model?: string;
};

export const recipeOf = ({ model: _, ...config }: EncoderConfig): EncoderRecipe => ({ ...inPart, ...config });

export interface RepositoryVector {
  /** [parts * h]; zeros when no file could be read. */
  vector: Float32Array;
  /** Files that gave it at least one window, and their tokens. */
  files: number;
  tokens: number;
}

/** @param cache of the recipe's windows */
export async function repositoryVector(files: readonly ReadableFile[], cache: VectorCache, recipe: EncoderRecipe): Promise<RepositoryVector> {
  const { hidden, tokenizer } = cache.embedder;
  const chosen = chooseFiles(files, recipe, tokenizer);
  const vectors: Float32Array[] = [], facts: FileFacts[] = [];
  const overWindows = recipe.overWindows === 'max' ? maximum : mean;
  let i = 0;
  for await (const windows of cache.windowVectors(chosen)) {
    const { path, text } = chosen[i++]!;
    if (windows.vectors.length === 0) continue;
    vectors.push(Float32Array.from(overWindows(windows.vectors, hidden)));
    facts.push({ path, tokens: windows.tokens, lines: lineCount(text) });
  }
  const weights = recipe.overFiles.some(({ pool }) => pool === 'importance') ? importanceWeights(vectors, facts) : undefined;
  const pooled = poolParts(vectors, hidden, recipe.overFiles, weights);
  const scaled = recipe.final === 'l2' ? l2(pooled) : pooled;
  return {
    vector: recipe.half ? roundToHalf(scaled) : scaled,
    files: vectors.length,
    tokens: facts.reduce((sum, { tokens }) => sum + tokens, 0),
  };
}

/** A line break at the very end begins no line. */
function lineCount(text: string): number {
  return text.replace(/\r?\n$/, '').split('\n').length;
}
