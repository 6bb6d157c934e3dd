/** The room that is left of the tokens that a context may have. */
import type { Tokenizer } from '../text/tokenizer.js';
import { SEPARATOR } from './context.js';

/**
 * The room of one context. Tokens of blocks add up to those of the whole context: a Qwen tokenizer splits text into
 * words first, and no word goes on behind the separator. So a block must not begin or end with white space.
 */
export class Room {
  /** @param left tokens of the context, with all its separators */
  constructor(private left: number, private readonly tokenizer: Tokenizer) {}

  /** Whether `text` and the separator behind it fit; if so, they are taken off the room. */
  take(text: string): boolean {
    const tokens = this.tokenizer.encode(text + SEPARATOR).length;
    if (tokens > this.left) return false;
    this.left -= tokens;
    return true;
  }

  /** As `take`, with as many of the first lines of a block as fit. Returns these lines; null, and takes nothing, when it is the header alone, which says nothing. */
  takeLines(text: string): string | null {
    const lines = text.split('\n');
    let few = 0, many = lines.length;
    while (few < many) {
      const middle = (few + many + 1) >> 1;
      if (this.tokenizer.encode(lines.slice(0, middle).join('\n') + SEPARATOR).length <= this.left) few = middle;
      else many = middle - 1;
    }
    const part = lines.slice(0, few).join('\n').trimEnd();
    return part.includes('\n') && this.take(part) ? part : null;
  }
}
