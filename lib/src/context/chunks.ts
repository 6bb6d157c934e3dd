/** RAG V1's chunks: windows of tokens over all files, one behind the other (paper §4.1). */
import type { Repository } from '../data/types.js';
import type { Tokenizer } from '../text/tokenizer.js';
import { block, leaveOut, type LeftOut } from './context.js';
import { contextFiles, textOf } from './files.js';

export interface ChunkOptions {
  /** Tokens a chunk, its header not counted; neighbours of one file share `overlap` tokens. */
  tokens: number;
  overlap: number;
  /** Limits for one repository; what is behind them in the order of paths is out of reach. */
  maxChunks: number;
  maxFiles: number;
}

/** No token of code that a Qwen tokenizer makes is longer on average: more text cannot be needed. */
const CHARACTERS_A_TOKEN = 12;

/** Chunks of .py, .md and .rst files that are no tests, each a block with its path on top. */
export function tokenChunks(repo: Repository, tokenizer: Tokenizer, options: ChunkOptions, leftOut: LeftOut): string[] {
  const { tokens, overlap, maxChunks, maxFiles } = options;
  const files = contextFiles(repo, { docs: true });
  const chunks: string[] = [];
  for (const [i, file] of files.entries()) {
    if (i >= maxFiles || chunks.length >= maxChunks) {
      leaveOut(leftOut, 'over_limit', files.length - i);
      break;
    }
    const text = textOf(file, leftOut);
    if (!text?.trim()) continue;
    const most = (maxChunks - chunks.length) * tokens;
    const ids = tokenizer.encode(text.slice(0, most * CHARACTERS_A_TOKEN));
    for (let at = 0; at === 0 || at + overlap < ids.length; at += tokens - overlap) {
      if (chunks.length >= maxChunks) {
        leaveOut(leftOut, 'over_limit');
        break;
      }
      // A window may begin or end within a character.
      const part = tokenizer.decode(ids.slice(at, at + tokens)).replace(/^\ufffd+|\ufffd+$/g, '');
      const lines = part.replace(/^(?:[^\S\n]*\n)+/, '').trimEnd();
      if (lines) chunks.push(block(file.path, lines));
    }
  }
  return chunks;
}
