/** Short texts as vectors, for retrieval: the masked mean of the final hidden states over each text's last tokens. */
import type { Embedder } from './embedder.js';
import { encodeInBatches } from './text-vectors.js';

/**
 * @param maxTokens only so many tokens of a text are read, its last. Returns vectors [h] in the order of the texts, zero for an empty one.
 * @throws UserError when the model gives values that are not finite
 */
export function embedTexts(texts: readonly string[], embedder: Embedder, maxTokens: number): Float32Array[] {
  const windows = texts.map((text) => ({ ids: embedder.tokenizer.encode(text).slice(-maxTokens), vector: new Float32Array(embedder.hidden) }));
  for (const _ of encodeInBatches(windows.filter(({ ids }) => ids.length), embedder, 'mean'));
  return windows.map(({ vector }) => vector);
}
