/** Cutting a text's tokens into overlapping windows, as the authors' scripts do. */
import { UserError } from '../store/errors.js';
import type { WindowRecipe } from './recipe.js';

/**
 * Where the windows of a text of `tokens` tokens begin and end. The last one is the first that reaches the end.
 * @throws UserError when windows would not move forward
 */
export function windowsOf(
  tokens: number, { window, overlap, minTail, keepFirst, maxWindows }: Omit<WindowRecipe, 'endToken' | 'inside'>,
): { from: number; to: number }[] {
  if (!(window > overlap)) throw new UserError(`Windows of ${window} tokens cannot overlap by ${overlap}: make the overlap smaller.`);
  const all: { from: number; to: number }[] = [];
  for (let from = 0, to = 0; to < tokens; from += window - overlap) {
    to = Math.min(from + window, tokens);
    if (to - from >= minTail || (keepFirst && from === 0)) all.push({ from, to });
  }
  if (all.length <= maxWindows) return all;
  return Array.from({ length: maxWindows }, (_, i) => all[Math.floor((i * all.length) / maxWindows)]!);
}
