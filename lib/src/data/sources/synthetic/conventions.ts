/**
 * The conventions a synthetic repository follows: one value of each kind, everywhere in its source. Its tests ask for
 * nothing else, and nothing in a test but the asked value depends on them.
 */
import type { Random } from '../../../store/random.js';
import type { CrossRepoSplit } from '../../types.js';

/** All values, as they stand in the source. None is part of a name that a test needs before it asks. */
export const VALUES = {
  error: ['Failure', 'Invalid', 'Missing', 'NotFound'],
  find: ['None', '-1', '""', 'False'],
  label: ['wrap', 'quote', 'mark', 'escape'],
  limit: ['8', '20', '50', '100'],
  factory: ['make', 'build', 'create', 'new'],
  status: ['"ready"', '"open"', '"active"', '"done"'],
} as const;

export type Kind = keyof typeof VALUES;
export type Conventions = Readonly<Record<Kind, string>>;
export const KINDS = Object.keys(VALUES) as Kind[];

/** Every combination of values there is. */
const combinations: readonly Conventions[] = KINDS.reduce<Record<string, string>[]>(
  (partial, kind) => partial.flatMap((made) => VALUES[kind].map((value) => ({ ...made, [kind]: value }))), [{}]) as Conventions[];

/**
 * Training repositories have one half of the combinations and held-out ones the other, at every commit. The half is a
 * checksum over all kinds, so within each half any five kinds are independent of one another and all values occur.
 */
function isTraining(conventions: Conventions): boolean {
  const sum = KINDS.reduce((total, kind) => total + valuesOf(kind).indexOf(conventions[kind]), 0);
  return sum % 4 < 2;
}

/**
 * One combination for each of `count` repositories of a split. Values are used equally often, as far as `count` allows:
 * always guessing the same value is then right for one repository in four.
 */
export function dealConventions(count: number, split: CrossRepoSplit, random: Random): Conventions[] {
  const allowed = combinations.filter((conventions) => isTraining(conventions) === (split === 'train'));
  const used = new Map<string, number>();
  const uses = (conventions: Conventions) => KINDS.reduce((n, kind) => n + (used.get(conventions[kind]) ?? 0), 0);
  return Array.from({ length: count }, () => {
    const next = random.shuffle(allowed).reduce((best, other) => (uses(other) < uses(best) ? other : best));
    for (const kind of KINDS) used.set(next[kind], (used.get(next[kind]) ?? 0) + 1);
    return next;
  });
}

/** The same conventions with another value of `kind`, still in the same half of the combinations: there is just one. */
export function changeConvention(conventions: Conventions, kind: Kind): Conventions {
  return valuesOf(kind).map((value) => ({ ...conventions, [kind]: value }))
    .find((other) => other[kind] !== conventions[kind] && isTraining(other) === isTraining(conventions))!;
}

function valuesOf(kind: Kind): readonly string[] {
  return VALUES[kind];
}
