/** Retrieval (paper §4.1): chunks of the repository stand before the prompt. `rag` is dense (V1), `rag-hybrid` V2. */
import { denseRetrieval, RAG_V1 } from '../context/dense.js';
import { hybridRetrieval, RAG_V2 } from '../context/hybrid.js';
import { contextMethod } from './context-method.js';

export const rag = contextMethod({
  name: 'rag',
  settings: ({ rag: { k, chunkTokens } }) => ({ k, chunkTokens }),
  method: ({ embed, tokenizer, learning: { rag: { k, chunkTokens } } }) =>
    denseRetrieval(embed, tokenizer, { ...RAG_V1, tokens: chunkTokens, overlap: Math.floor(chunkTokens / 8), k }),
});

export const ragHybrid = contextMethod({
  name: 'rag-hybrid',
  // Since 2 a chunk of which the header alone fits takes no room.
  settings: ({ rag: { k } }) => ({ k, version: 2 }),
  method: ({ embed, tokenizer, contextTokens, learning }) =>
    hybridRetrieval(embed, tokenizer, { ...RAG_V2, k: learning.rag.k, maxChunks: 300, budget: contextTokens }),
});
