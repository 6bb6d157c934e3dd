/** Which tasks a step trains on. A pure function of the seed and the step, so a resumed run draws the same. */
import { Random } from '../store/random.js';

/**
 * Repository-balanced: each step takes the next `repositories` repositories, and `tasks` tasks of each. All
 * repositories come up equally often, in a new order each round (a step that spans two rounds may meet one twice); within one, its tasks come in a shuffled order and
 * begin again when they run out.
 */
export function balancedStep<T>(
  byRepo: ReadonlyMap<string, readonly T[]>, step: number, repositories: number, tasks: number, seed: number,
): { repo: string; items: T[] }[] {
  const names = [...byRepo.keys()].sort();
  const count = Math.min(repositories, names.length);
  return Array.from({ length: count }, (_, i) => {
    const draw = step * count + i;
    const round = Math.floor(draw / names.length);
    const repo = new Random(seed * 7919 + round).shuffle(names)[draw % names.length]!;
    const items = byRepo.get(repo)!;
    return {
      repo,
      items: Array.from({ length: tasks }, (_, j) => {
        const n = round * tasks + j;
        const order = new Random(seed * 104_729 + Math.floor(n / items.length)).shuffle([...items.keys()]);
        return items[order[n % items.length]!]!;
      }),
    };
  });
}
