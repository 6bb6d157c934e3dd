/** Where the repositories of a profile come from: the package index, git, or the generator. */
import { resolve } from 'node:path';
import { secondsOfDay } from '../data/iso-day.js';
import { gitSource } from '../data/sources/git.js';
import { pypiSource } from '../data/sources/pypi.js';
import { syntheticSource } from '../data/sources/synthetic/synthetic.js';
import type { Source } from '../data/types.js';
import type { Profile } from '../profiles.js';
import { UserError } from '../store/errors.js';
import type { Progress } from '../store/progress.js';
import { pinnedCorpus } from './keys.js';
import { cache, root } from './paths.js';

/** Environment variable: a folder with `owner/name.git`, on a machine that does not reach the repositories of a corpus. */
export const MIRROR = 'CODE2LORA_MIRROR';

/** @throws UserError of a profile with the published tables */
export function openSource(profile: Profile, progress: Progress): Source {
  if ('published' in profile.corpus) throw new UserError(`Profile ${profile.name} has the published tables, which are not curated here: read them with readTaskRows, or choose another profile.`);
  if ('synthetic' in profile.corpus) return syntheticSource(profile.corpus.synthetic.repositories, profile.corpus.synthetic.seed, cache('synthetic'), progress);
  const pinned = pinnedCorpus(profile)!;
  if ('projects' in pinned) return pypiSource(pinned, cache(), progress);
  const mirror = process.env[MIRROR] && resolve(root, process.env[MIRROR]);
  return gitSource(pinned.repositories, {
    cacheDir: cache(), cutoff: secondsOfDay(profile.evolution.cutoff, 'The cut-off'), whole: true, ...(mirror && { mirror }),
  }, progress);
}
