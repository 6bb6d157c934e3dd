/**
 * A benchmark whose answers are known: small made-up Python repositories, each with conventions of its own that its
 * tests ask for. A test looks the same in all of them up to the answer, so only one who reads the repository can know
 * it (see ceiling.ts). Held-out repositories combine values known from training as no training repository ever does.
 * The same seed gives the same bytes and the same commit ids.
 */
import { join } from 'node:path';
import { hashJson } from '../../../store/hash.js';
import type { Progress } from '../../../store/progress.js';
import { Random } from '../../../store/random.js';
import { type Revision, writeHistoryOnce, writtenHead } from '../../git/write-history.js';
import type { CrossRepoSplit, Repository, Source } from '../../types.js';
import { changeConvention, type Conventions, dealConventions, KINDS, type Kind } from './conventions.js';
import { NOUNS, packageFiles, type Style } from './package.js';

export interface SyntheticRevision extends Revision {
  conventions: Conventions;
  /** The convention that this commit changed everywhere, in source and tests. */
  changed?: Kind;
}

export interface SyntheticHistory {
  id: string;
  split: CrossRepoSplit;
  style: Style;
  /** Oldest first. Each commit adds or changes at least one assertion. */
  revisions: SyntheticRevision[];
}

/** Modules of the first commit; the others follow one by one. */
const FIRST_MODULES = 2;
/** Commits that change a convention. */
const CHANGES = 4;
const FIRST_COMMIT = Date.UTC(2024, 0, 1, 12) / 1000;
const DAY = 86_400;
const LICENCE = 'MIT';

/**
 * `count` histories, training first: of each eight about five are for training, one for validation and two for testing.
 * At their heads all have the same modules and functions, half of them in each assertion style, and in each split and
 * style the values of a convention are equally frequent.
 */
export function syntheticHistories(count: number, seed: number): SyntheticHistory[] {
  const random = new Random(seed);
  const testing = Math.round(count / 4), validation = Math.round(count / 8);
  const sizes: [CrossRepoSplit, number][] = [['train', count - testing - validation], ['cr_val', validation], ['cr_test', testing]];
  const drawn = sizes.flatMap(([split, size]) => {
    const styles: [Style, number][] = [['pytest', Math.ceil(size / 2)], ['unittest', Math.floor(size / 2)]];
    const heads = styles.flatMap(([style, n]) => dealConventions(n, split, random).map((head) => ({ split, style, head })));
    return random.shuffle(heads);
  });
  return drawn.map(({ split, style, head }, i) =>
    ({ id: `synthetic-${String(i).padStart(2, '0')}`, split, style, revisions: revisionsTo(head, style, random) }));
}

/** A history that ends in the conventions `head`. */
function revisionsTo(head: Conventions, style: Style, random: Random): SyntheticRevision[] {
  const nouns = random.shuffle(NOUNS);
  const changes = Array.from({ length: CHANGES }, () => KINDS[random.below(KINDS.length)]!);
  const steps = random.shuffle([...nouns.slice(FIRST_MODULES).map((noun) => ({ noun })), ...changes.map((changed) => ({ changed }))]);

  // Backwards, since it is the head whose conventions are given.
  const conventions = [head];
  for (const step of [...steps].reverse()) {
    conventions.unshift('changed' in step ? changeConvention(conventions[0]!, step.changed) : conventions[0]!);
  }

  const modules = nouns.slice(0, FIRST_MODULES);
  const revision = (i: number, message: string, changed?: Kind): SyntheticRevision => ({
    time: FIRST_COMMIT + i * DAY, message, conventions: conventions[i]!, ...(changed && { changed }),
    files: packageFiles(style, conventions[i]!, modules),
  });
  return [revision(0, 'First modules'), ...steps.map((step, i) => {
    if ('changed' in step) return revision(i + 1, `Change the convention: ${step.changed}`, step.changed);
    modules.push(step.noun);
    return revision(i + 1, `Add ${step.noun}`);
  })];
}

/** The newest snapshot of each of `count` repositories, without git. */
export function syntheticRepositories(count: number, seed: number): Repository[] {
  return syntheticHistories(count, seed).map((history) => snapshot(history, 'head'));
}

/**
 * The histories as bare git repositories under `cacheDir`, written when first asked for. A folder's name tells its
 * content, so what was written by another seed or an older generator is never taken.
 * @throws UserError when git is missing or fails
 */
export function syntheticSource(count: number, seed: number, cacheDir: string, progress: Progress): Source {
  async function* written() {
    for (const history of syntheticHistories(count, seed)) {
      const content = history.revisions.map(({ time, message, files }) =>
        [time, message, files.map(({ path, bytes }) => [path, Buffer.from(bytes).toString('utf8')])]);
      const gitDir = join(cacheDir, `${history.id}-${hashJson(content).slice(0, 12)}.git`);
      const head = (await writtenHead(gitDir, progress)) ?? (await writeHistoryOnce(gitDir, () => history.revisions, progress));
      yield { history, gitDir, head };
    }
  }
  return {
    unusable: [],
    async *snapshots() {
      for await (const { history, head } of written()) yield snapshot(history, head);
    },
    async *histories() {
      for await (const { history: { id, split }, gitDir, head } of written()) yield { id, licence: LICENCE, split, gitDir, head };
    },
  };
}

function snapshot({ id, split, revisions }: SyntheticHistory, commit: string): Repository {
  return { id, commit, licence: LICENCE, split, files: [...revisions.at(-1)!.files] };
}
