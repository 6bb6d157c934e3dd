/** Short texts as vectors, for retrieval: the masked mean of the final hidden states over each text's last tokens. */
import { filledLength } from '../model/memory.js';
import type { Embedder } from './embedder.js';
import { batchVectors } from './text-vectors.js';

/** @param maxTokens only so many tokens of a text are read, its last. Returns vectors [h] in the order of the texts. */
export function embedTexts(texts: readonly string[], embedder: Embedder, maxTokens: number): Float32Array[] {
  const ids = texts.map((text) => embedder.tokenizer.encode(text).slice(-maxTokens));
  const out = texts.map(() => new Float32Array(embedder.hidden));
  const order = [...ids.keys()].filter((i) => ids[i]!.length).sort((a, b) => ids[b]!.length - ids[a]!.length);
  for (let at = 0; at < order.length;) {
    const some = order.slice(at, at + Math.max(1, Math.floor(embedder.tokensAtOnce / filledLength(ids[order[at]!]!.length, 1))));
    const rows = batchVectors(some.map((i) => ids[i]!), embedder, 'mean');
    some.forEach((i, row) => out[i]!.set(rows.subarray(row * embedder.hidden, (row + 1) * embedder.hidden)));
    at += some.length;
  }
  return out;
}
