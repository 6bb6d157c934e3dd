/** Reciprocal rank fusion: one ranking out of several whose scores cannot be compared (Cormack et al. 2009). */

const CONSTANT = 60;

/**
 * Everything that is in one of the rankings, best first: by the sum of 1 / (60 + rank) over the rankings it is in,
 * where ranks count from 1. Of equals the lower index comes first.
 */
export function fuse(rankings: readonly (readonly number[])[]): number[] {
  const scores = new Map<number, number>();
  for (const ranking of rankings) {
    ranking.forEach((item, i) => scores.set(item, (scores.get(item) ?? 0) + 1 / (CONSTANT + i + 1)));
  }
  return [...scores].sort(([a, x], [b, y]) => y - x || a - b).map(([item]) => item);
}
