/** Stage 1 again, for the evolution track: the histories of the profile's repositories become tables of commits and tasks. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { curate, type CurationReport } from '../data/curate.js';
import { readCommitRows, readTaskRows } from '../data/dataset/dataset.js';
import { SUITES, tablePath, type TableKind } from '../data/dataset/suites.js';
import { secondsOfDay } from '../data/iso-day.js';
import { WALKING } from '../data/sources/git.js';
import type { Commit, History, Task } from '../data/types.js';
import type { Profile } from '../profiles.js';
import { UserError } from '../store/errors.js';
import { ensure } from '../store/lock.js';
import type { Progress } from '../store/progress.js';
import { storedJson } from '../store/stored-json.js';
import { areWhole, seal, sealed } from '../store/sums.js';
import { evolutionKey, hasHistories } from './keys.js';
import { cacheOf } from './paths.js';
import { openSource } from './source.js';

export interface Evolution {
  /** The dataset: `qna` and `commits` as parquet. */
  folder: string;
  report: CurationReport;
  /** Row by row, training repositories first, each history oldest first. */
  tasks(): AsyncIterable<Task>;
  commits(): AsyncIterable<Commit>;
  /** The histories themselves, training first; written (and downloaded) where they are not there yet. */
  histories(): AsyncIterable<History>;
}

export async function openEvolution(profile: Profile, progress: Progress): Promise<Evolution> {
  const source = openSource(profile, progress);
  if (!hasHistories(profile)) throw new UserError(`The repositories of profile ${profile.name} are one snapshot each, without history: choose the static track, or another profile.`);
  const folder = cacheOf(profile.name, `evolution-${evolutionKey(profile)}`);
  const report = 'curation.json', reportPath = join(folder, report);
  const paths = (kind: TableKind) => SUITES.map((suite) => tablePath(folder, kind, suite)).filter(existsSync);
  // The report is written after the tables, so its presence says that they are there. A benchmark named by its pins holds all of them.
  const complete = () => (storedJson(reportPath) as CurationReport | undefined)?.unusable.length === 0;
  await ensure(() => areWhole(folder, [report, ...sealed(folder)], progress) && complete(), folder, 'making the tasks of histories', progress, async () => {
    const { unusable } = await curate(source, { track: 'evolution', options: { ...profile.evolution, cutoff: secondsOfDay(profile.evolution.cutoff, 'The cut-off') } }, folder);
    if (unusable.length) throw new UserError(unusable.map(({ reason }) => reason).join('\n'));
    seal(folder, [report, ...[...paths('qna'), ...paths('commits')].map((path) => relative(folder, path))]);
  });
  return {
    folder,
    report: storedJson(reportPath) as CurationReport,
    async *tasks() {
      for (const path of paths('qna')) yield* readTaskRows(path);
    },
    async *commits() {
      for (const path of paths('commits')) yield* readCommitRows(path);
    },
    // Whoever reads them tells how far it is; what is fetched or damaged is told all the same.
    histories: () => openSource(profile, (update) => { if (update.stage !== WALKING) progress(update); }).histories(),
  };
}
