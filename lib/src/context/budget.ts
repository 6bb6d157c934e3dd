/** How many tokens a context may have, and the room that is left of them. */
import type { Tokenizer } from '../text/tokenizer.js';
import { SEPARATOR } from './context.js';

/** Tokens for a context with all its separators, from the number of tokens of the prefix. */
export type Budget = (prefixTokens: number) => number;

/** The same for all tasks, whatever part of the prompt is cut later. */
export function fixedBudget(tokens: number): Budget {
  return () => tokens;
}

/** What the prefix leaves free of a prompt of `total` tokens of which `reserved` are kept back, but at least `least`. */
export function remainingBudget({ total, reserved, least, most }: { total: number; reserved: number; least: number; most: number }): Budget {
  return (prefixTokens) => Math.min(most, Math.max(least, total - prefixTokens - reserved));
}

/**
 * The budgets of the paper's dependency contexts. v4 also takes off the tokens of the target; their number would tell
 * something of the answer, so 128 are taken off for all: as many as are generated. Its margin is 64 tokens.
 */
export const DEPENDENCY_BUDGETS = {
  v3: fixedBudget(6_000),
  v4: remainingBudget({ total: 8_192, reserved: 128 + 64, least: 128, most: 4_096 }),
  V2: fixedBudget(4_096),
} as const;

/**
 * The room of one context. Tokens of blocks add up to those of the whole context: a Qwen tokenizer splits text into
 * words first, and no word goes on behind the separator. So a block must not begin or end with white space.
 */
export class Room {
  constructor(private left: number, private readonly tokenizer: Tokenizer) {}

  /** What `budget` leaves beside a prefix. */
  static beside(prefix: string, budget: Budget, tokenizer: Tokenizer): Room {
    return new Room(budget(tokenizer.encode(prefix).length), tokenizer);
  }

  /** Whether `text` and the separator behind it fit; if so, they are taken off the room. */
  take(text: string): boolean {
    const tokens = this.tokenizer.encode(text + SEPARATOR).length;
    if (tokens > this.left) return false;
    this.left -= tokens;
    return true;
  }

  /** As `take`, with as many of the first lines of `text` as fit. Returns these lines, or null when not even one does. */
  takeLines(text: string): string | null {
    const lines = text.split('\n');
    let few = 0, many = lines.length;
    while (few < many) {
      const middle = (few + many + 1) >> 1;
      if (this.tokenizer.encode(lines.slice(0, middle).join('\n') + SEPARATOR).length <= this.left) few = middle;
      else many = middle - 1;
    }
    const part = lines.slice(0, few).join('\n').trimEnd();
    return part && this.take(part) ? part : null;
  }
}
