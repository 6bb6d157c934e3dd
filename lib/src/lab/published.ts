/**
 * The tracks of the published benchmark: tasks and vectors as the authors' tables hold them. No source text is among
 * them, so methods that read it cannot answer here. Both tracks are judged, as the authors judge, on the first tasks of
 * every commit.
 */
import { existsSync } from 'node:fs';
import { readCommitRows, readTaskRows } from '../data/dataset/dataset.js';
import { SUITES, suiteOf, tablePath, type Suite } from '../data/dataset/suites.js';
import { fetchHubDataset } from '../data/sources/hub.js';
import type { Task, Track } from '../data/types.js';
import type { Profile, PublishedCorpus } from '../profiles.js';
import { UserError } from '../store/errors.js';
import type { Progress } from '../store/progress.js';
import type { BaseModel } from './base-model.js';
import type { CommitVector, CommitVectors } from './commit-vectors.js';
import { cache } from './paths.js';
import type { PromptFormat } from '../train/examples.js';
import { anchoredTrack, evolutionTrack, type TrackData } from './track-data.js';
import type { Vectors } from './vectors.js';

/** Throws a UserError when the tables cannot be fetched, or lack the vectors. */
export async function publishedTrack(
  track: Track, corpus: PublishedCorpus, profile: Profile, base: BaseModel, format: PromptFormat, progress: Progress,
): Promise<TrackData> {
  const folder = await fetchHubDataset(track === 'static' ? corpus.snapshots : corpus.commits, cache(), progress);
  const { CR, IR, OOD } = profile.likelihood[track], decoded = profile.evaluated[track];
  const limits = { CR: Math.max(CR, decoded.CR), IR: Math.max(IR, decoded.IR), OOD: Math.max(OOD, decoded.OOD), validation: decoded.validation };
  const most: Record<Suite, number> = {
    train: Infinity, ir_val: 0, ir_test: limits.IR, cr_val: limits.validation, cr_test: limits.CR, ood_test: limits.OOD,
  };
  const found = await firstTasks(folder, most);
  const vectors = await commitVectors(folder, track === 'evolution');
  const places = new Set([...vectors].flatMap(([repo, list]) => list.map(({ index }) => `${repo}@${index}`)));
  const tasks = found.filter((t) => places.has(`${t.repo}@${t.commitIndex}`)), lacking = found.length - tasks.length;
  if (lacking) progress({ stage: `reading published tables: ${lacking} tasks left out, of commits without a vector`, done: 1, total: 1 });
  if (track === 'evolution') return evolutionTrack(profile, tasks, vectors, base, format);
  return anchoredTrack(profile, tasks, anchors(tasks, vectors), vectors, base, format);
}

/** The first tasks of every commit, in the order of the tables: those that are judged. All of the training part. */
async function firstTasks(folder: string, most: Record<Suite, number>): Promise<Task[]> {
  const tasks = new Map<string, Task>();
  for (const suite of SUITES) {
    const path = tablePath(folder, 'qna', suite);
    if (!most[suite] || !existsSync(path)) continue;
    const taken = new Map<string, number>();
    for await (const task of readTaskRows(path)) {
      const key = `${task.repo}@${task.commit}`, count = taken.get(key) ?? 0;
      taken.set(key, count + 1);
      // By what the row says: the authors' table of the training part holds the other parts too, which then stand in two tables.
      if (count < most[suiteOf(task.split, task.inRepoSplit)]) tasks.set(task.id, task);
    }
  }
  return [...tasks.values()];
}

async function commitVectors(folder: string, diffs: boolean): Promise<CommitVectors> {
  const byRepo = new Map<string, Map<number, CommitVector>>();
  for (const suite of SUITES) {
    const path = tablePath(folder, 'commits', suite);
    if (!existsSync(path)) continue;
    for await (const { repo, id, index, diffEmbedding, repoStateEmbedding } of readCommitRows(path)) {
      if (!repoStateEmbedding || (diffs && !diffEmbedding)) throw new UserError(`${path} has no vectors of its commits: fetch the tables that hold them.`);
      if (!byRepo.has(repo)) byRepo.set(repo, new Map());
      byRepo.get(repo)!.set(index, { id, index, state: repoStateEmbedding, diff: diffEmbedding ?? repoStateEmbedding });
    }
  }
  return new Map([...byRepo].map(([repo, commits]) => [repo, [...commits.values()].sort((a, b) => a.index - b.index)]));
}

/** Of a training repository the vector at the commit that its training tasks are from. */
function anchors(tasks: readonly Task[], vectors: CommitVectors): Vectors {
  const anchored = new Map(tasks.flatMap((t) => (t.split === 'train' && t.inRepoSplit === 'train' ? [[t.repo, t.commit] as const] : [])));
  return new Map([...vectors].map(([repo, list]) => [repo, (list.find((c) => c.id === anchored.get(repo)) ?? list.at(-1)!).state]));
}
