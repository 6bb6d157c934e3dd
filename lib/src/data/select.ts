/**
 * Which of a repository's candidates become tasks: one of each (file, target), at most 5 a test function, 20 a file and
 * `maxTasks` a repository. Targets on one line come first, and among them, in the authors' order, the shortest; what is
 * still equal is drawn at random, so that no file is favoured for its name. Over `maxTasks`, the kinds of target share the places in proportion (largest remainder).
 */
import { Random } from '../store/random.js';
import type { TargetKind } from './types.js';

export const MAX_PER_FUNCTION = 5;
export const MAX_PER_FILE = 20;

export type SelectReason = 'duplicate' | 'cap_function' | 'cap_file' | 'cap_repository';

export interface SelectOptions {
  seed: number;
  /** Most tasks of one repository; 200 in the paper. */
  maxTasks: number;
  /**
   * `shortest` (when absent) is the authors' order. Where caps bind hard it leaves mostly trivial targets: `random`
   * keeps the lengths of the assertions as they are.
   */
  order?: 'shortest' | 'random';
}

export interface Selectable {
  file: string;
  testFunction: string;
  target: string;
  targetKind: TargetKind;
  /** The literal target spans lines. */
  multiline: boolean;
}

/** Splits candidates into those kept, in no particular order, and those dropped, each with its reason. */
export function select<T extends Selectable>(
  candidates: readonly T[],
  options: SelectOptions,
): { kept: T[]; dropped: { item: T; reason: SelectReason }[] } {
  const dropped: { item: T; reason: SelectReason }[] = [];
  const targets = new Set<string>();
  const perFunction = new Map<string, number>();
  const perFile = new Map<string, number>();
  const length = (item: T): number => (options.order === 'random' ? 0 : item.target.length);
  const ranked = new Random(options.seed).shuffle(candidates)
    .sort((a, b) => Number(a.multiline) - Number(b.multiline) || length(a) - length(b));
  const passed = ranked.filter((item) => {
    const target = `${item.file}\n${item.target}`;
    const test = `${item.file}\n${item.testFunction}`;
    const inTest = perFunction.get(test) ?? 0;
    const inFile = perFile.get(item.file) ?? 0;
    const reason = targets.has(target) ? 'duplicate'
      : inTest >= MAX_PER_FUNCTION ? 'cap_function'
        : inFile >= MAX_PER_FILE ? 'cap_file' : null;
    if (reason) {
      dropped.push({ item, reason });
      return false;
    }
    targets.add(target);
    perFunction.set(test, inTest + 1);
    perFile.set(item.file, inFile + 1);
    return true;
  });

  const tiers = new Map<TargetKind, T[]>();
  for (const item of passed) {
    const tier = tiers.get(item.targetKind);
    if (tier) tier.push(item);
    else tiers.set(item.targetKind, [item]);
  }
  const groups = [...tiers.keys()].sort().map((kind) => tiers.get(kind)!);
  const places = largestRemainder(groups.map((group) => group.length), options.maxTasks);
  const kept = groups.flatMap((group, i) => {
    for (const item of group.slice(places[i])) dropped.push({ item, reason: 'cap_repository' });
    return group.slice(0, places[i]);
  });
  return { kept, dropped };
}

/** `seats` shared in proportion to `counts` by largest remainder (earlier first on ties), never more than there are. */
export function largestRemainder(counts: readonly number[], seats: number): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total <= seats) return [...counts];
  const quotas = counts.map((count) => (count * seats) / total);
  const shares = quotas.map(Math.floor);
  const left = seats - shares.reduce((sum, share) => sum + share, 0);
  quotas
    .map((quota, i) => ({ i, remainder: quota - shares[i]! }))
    .sort((a, b) => b.remainder - a.remainder || a.i - b.i)
    .slice(0, left)
    .forEach(({ i }) => shares[i]!++);
  return shares;
}
