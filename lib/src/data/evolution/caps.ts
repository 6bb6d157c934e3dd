/**
 * Which tasks of a commit are kept, and in which order (paper §2.4: at most 8 a commit, 4 a test file). Files take turns
 * in the order of their paths; inside a file, its functions take turns in the order of their lines. The order is part of
 * the benchmark: evaluations that read only some tasks of a commit read the first.
 */
import type { Candidate } from '../candidates.js';

export interface Caps {
  /** Most tasks a commit. */
  perCommit: number;
  /** Most tasks a test file in a commit. */
  perFile: number;
}

type Item = { candidate: Candidate };

/** @param items in the order of files and lines */
export function capped<T extends Item>(items: readonly T[], caps: Caps): T[] {
  const files = groups(items, ({ candidate }) => candidate.file)
    .map((file) => takeTurns(groups(file, ({ candidate }) => candidate.testFunction)).slice(0, caps.perFile));
  return takeTurns(files).slice(0, caps.perCommit);
}

/** Targets so short that training would learn little else (the authors' smart cap, train part only). */
export function isShort(target: string): boolean {
  const text = target.trim();
  return text.length < 4 || (text.length <= 6 && (text.endsWith(')') || text.startsWith(',')));
}

function groups<T>(items: readonly T[], key: (item: T) => string): T[][] {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const group = found.get(key(item));
    if (group) group.push(item);
    else found.set(key(item), [item]);
  }
  return [...found.values()];
}

function takeTurns<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, turn) => lists.flatMap((list) => (turn < list.length ? [list[turn]!] : []))).flat();
}
