/** RAG V1: the chunks of a repository whose embeddings are nearest to that of the prefix's end (paper §4.1). */
import type { Tokenizer } from '../text/tokenizer.js';
import { type ChunkOptions, tokenChunks } from './chunks.js';
import { type ContextMethod, type LeftOut, SEPARATOR } from './context.js';
import { type Embed, EmbeddingIndex, queryOf } from './embeddings.js';

export interface DenseOptions extends ChunkOptions {
  /** Chunks in a context, which has no budget of its own. */
  k: number;
}

/** The paper's. With 256 tokens and k = 5 it goes with full fine-tuning there. */
export const RAG_V1: DenseOptions = { tokens: 512, overlap: 64, maxChunks: 300, maxFiles: 500, k: 3 };

export function denseRetrieval(embed: Embed, tokenizer: Tokenizer, options: DenseOptions = RAG_V1): ContextMethod {
  return {
    prepare(repo) {
      const leftOut: LeftOut = {};
      const chunks = tokenChunks(repo, tokenizer, options, leftOut);
      const index = new EmbeddingIndex(chunks, embed);
      return {
        leftOut,
        contextFor({ prefix }) {
          const query = queryOf(prefix);
          if (!query) return '';
          return index.nearest(query, options.k).map((i) => chunks[i]!).reverse().join(SEPARATOR);
        },
      };
    },
  };
}
