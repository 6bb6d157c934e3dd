/** Stage 1: from the profile's repositories to tasks. The tasks are stored; source text is read again only when asked for. */
import { join } from 'node:path';
import { syntheticRepositories } from '../data/sources/synthetic/synthetic.js';
import { curateCorpus, type CuratedCorpus } from '../data/static-track.js';
import { readTasks, writeTasks } from '../data/tasks-parquet.js';
import type { Repository, Source, Task } from '../data/types.js';
import type { Profile } from '../profiles.js';
import { writeFileAtomic } from '../store/atomic.js';
import { ensure } from '../store/lock.js';
import type { Progress } from '../store/progress.js';
import { remembered } from '../store/remembered.js';
import { storedJson } from '../store/stored-json.js';
import { areWhole, seal } from '../store/sums.js';
import { corpusKey } from './keys.js';
import { cacheOf } from './paths.js';
import { openSource } from './source.js';

export interface Corpus {
  tasks: Task[];
  /** Candidates, tasks, drops and files left out by reason, of each repository. */
  repositories: CuratedCorpus['repositories'];
  /** The repositories themselves, read (and downloaded if need be) at the first call. */
  source(): Promise<Repository[]>;
}

export async function openCorpus(profile: Profile, progress: Progress): Promise<Corpus> {
  const all = openSource(profile, progress);
  const folder = cacheOf(profile.name, `corpus-${corpusKey(profile)}`);
  const source = remembered(async () => (
    'synthetic' in profile.corpus ? syntheticRepositories(profile.corpus.synthetic.repositories, profile.corpus.synthetic.seed) : inOrder(all)));
  const files = ['tasks.parquet', 'curation.json'], [tasksPath, infoPath] = files.map((name) => join(folder, name)) as [string, string];
  // An earlier version did not count the files that were left out.
  const counted = () => (storedJson(infoPath) as Partial<Corpus['repositories'][number]>[] | undefined)?.every(({ refused }) => refused) === true;
  await ensure(() => areWhole(folder, files, progress) && counted(), folder, 'making tasks', progress, async () => {
    const curated = await curateCorpus(await source(), profile.curation, progress);
    writeTasks(tasksPath, curated.tasks);
    writeFileAtomic(infoPath, JSON.stringify(curated.repositories));
    seal(folder, files);
  });
  const repositories = storedJson(infoPath) as CuratedCorpus['repositories'];
  return { tasks: await readTasks(tasksPath), repositories, source };
}

/** All snapshots by name, which is the order that stored tasks have, whatever order the source yields them in. */
async function inOrder(source: Source): Promise<Repository[]> {
  const repositories: Repository[] = [];
  for await (const repository of source.snapshots()) {
    repositories.push(repository);
    // Unpacking waits for nothing, and an interrupt is only heard between.
    await new Promise(setImmediate);
  }
  return repositories.sort((a, b) => (a.id < b.id ? -1 : 1));
}
