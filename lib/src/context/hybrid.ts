/**
 * RAG V2: functions and classes found by words and by embedding, the two rankings fused (paper §4.1).
 *
 * What does not fit the budget whole is compressed, as dependency contexts are, and then cut by lines.
 */
import type { Tokenizer } from '../text/tokenizer.js';
import { Bm25, words } from './bm25.js';
import { Room } from './room.js';
import { block, type ContextMethod, leaveOut, type LeftOut, SEPARATOR } from './context.js';
import { compress } from './dependency/compress.js';
import { best, type Embed, EmbeddingIndex, queryOf } from './embeddings.js';
import { fuse } from './fusion.js';
import { type PythonChunk, pythonChunks } from './python-chunks.js';

export interface HybridOptions {
  /** Limit for one repository. */
  maxChunks: number;
  /** Candidates that each ranking gives. */
  candidates: number;
  /** Chunks in a context. */
  k: number;
  budget: number;
}

/** The paper's, which names no limit of chunks. */
export const RAG_V2: HybridOptions = { maxChunks: Infinity, candidates: 30, k: 3, budget: 1_536 };

export function hybridRetrieval(embed: Embed, tokenizer: Tokenizer, options: HybridOptions = RAG_V2): ContextMethod {
  return {
    prepare(repo) {
      const leftOut: LeftOut = {};
      const chunks = pythonChunks(repo, options.maxChunks, leftOut);
      const blocks = chunks.map(({ path, text }) => block(path, text));
      const byWords = new Bm25(blocks.map(words));
      const byEmbedding = new EmbeddingIndex(blocks, embed);

      const search = (query: string): PythonChunk[] => {
        const scores = byWords.scores(words(query));
        const withWords = best(scores, options.candidates).filter((i) => scores[i]! > 0);
        return fuse([withWords, byEmbedding.nearest(query, options.candidates)]).slice(0, options.k).map((i) => chunks[i]!);
      };

      return {
        leftOut,
        contextFor({ prefix }) {
          const query = queryOf(prefix);
          if (!query) return '';
          const room = new Room(options.budget, tokenizer);
          const fitting = search(query).flatMap((chunk) => fit(chunk, room, leftOut) ?? []);
          return fitting.reverse().join(SEPARATOR);
        },
      };
    },
  };
}

/** The chunk as a block, in the first of three forms that fits: whole, compressed, the first lines of the compressed. */
function fit({ path, text }: PythonChunk, room: Room, leftOut: LeftOut): string | null {
  const whole = block(path, text);
  if (room.take(whole)) return whole;
  const compressed = block(path, compress(text));
  const shown = room.take(compressed) ? compressed : room.takeLines(compressed);
  leaveOut(leftOut, shown === null ? 'over_budget' : 'shortened');
  return shown;
}
