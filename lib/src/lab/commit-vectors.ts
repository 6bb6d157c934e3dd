/**
 * Stage 3 of the evolution track: what Code2LoRA-Evo reads of every kept commit, the vector of its production diff and
 * that of the repository at it (paper §3.3). Stored one file a repository.
 */
import { join } from 'node:path';
import type { Commit } from '../data/types.js';
import { withDiffVectors } from '../encoder/diff-vector.js';
import type { Embedder } from '../encoder/embedder.js';
import { chooseFiles, type ReadableFile } from '../encoder/files.js';
import { filesAt } from '../encoder/history-files.js';
import { diffInPart, type DiffRecipe, type EncoderRecipe } from '../encoder/recipe.js';
import { recipeOf, repositoryVector } from '../encoder/repository-vector.js';
import type { Profile } from '../profiles.js';
import { UserError } from '../store/errors.js';
import { ensure } from '../store/lock.js';
import type { Progress } from '../store/progress.js';
import { type NamedArray, storedSafetensors, storeSafetensors } from '../store/safetensors.js';
import { withReader, type BaseModel } from './base-model.js';
import type { Evolution } from './evolution.js';
import { commitVectorsKey } from './keys.js';
import { cacheOf } from './paths.js';
import { readInto, speedometer, windowCache } from './vectors.js';

export interface CommitVector {
  /** The commit, and its position among the repository's kept commits. */
  id: string;
  index: number;
  /** Each [2h]. */
  diff: Float32Array;
  state: Float32Array;
}

/** Kept commits by repository, each history oldest first. */
export type CommitVectors = Map<string, CommitVector[]>;

export interface CommitRecipes {
  diff: DiffRecipe;
  state: EncoderRecipe;
}

/** Commits of one history that are read together. */
const COMMITS_TOGETHER = 256;

/** @param recipes the profile's encoder and, with windows of the same size, part of each diff, when not given */
export async function openCommitVectors(
  profile: Profile, evolution: Evolution, base: BaseModel, progress: Progress,
  recipes: CommitRecipes = { state: recipeOf(profile.encoder), diff: diffInPart(profile.encoder) },
): Promise<CommitVectors> {
  const folder = cacheOf(profile.name, `commit-vectors-${commitVectorsKey(profile, recipes)}`);
  const path = (id: string) => join(folder, `${id}.safetensors`);
  const ids = evolution.report.repositories.filter(({ commits }) => commits > 0).map(({ id }) => id);
  const vectors: CommitVectors = new Map();
  const lacking = () => readInto(vectors, ids, (id) => read(path(id), progress));
  await ensure(() => lacking().size === 0, folder, 'reading diffs with the model', progress, async () => {
    await withReader(profile, base, progress, async (embedder) => {
      const diffs = await encodeDiffs(profile, evolution, embedder, recipes.diff, lacking(), progress);
      let done = 0;
      const report = speedometer(progress, 'reading repositories at each commit', () => done, [...diffs.values()].reduce((sum, commits) => sum + commits.size, 0));
      const windows = windowCache(profile, embedder, recipes.state, report);
      for await (const history of evolution.histories()) {
        const commits = diffs.get(history.id);
        if (!commits) continue;
        const states = new Map<string, Float32Array>();
        let group: { commit: string; files: ReadableFile[] }[] = [];
        const read = async () => {
          // A commit changes a file or two: those of many commits fill a batch.
          await windows.ensure(group.flatMap(({ files }) => chooseFiles(files, recipes.state, embedder.tokenizer)));
          for (const { commit, files } of group) states.set(commit, (await repositoryVector(files, windows, recipes.state)).vector);
          done += group.length;
          group = [];
        };
        for await (const snapshot of filesAt(history, new Set(commits.keys()), recipes.state)) {
          if (group.push(snapshot) === COMMITS_TOGETHER) await read();
        }
        await read();
        const made = [...commits.values()].map((commit) => {
          const state = states.get(commit.id);
          if (!state) throw new UserError(`Commit ${commit.id} of ${history.id} is not in its history: delete ${evolution.folder} and run again, it is then curated anew.`);
          return { ...commit, state };
        });
        write(path(history.id), made);
        vectors.set(history.id, made);
        report(0);
      }
    });
  });
  return new Map(ids.map((id) => [id, vectors.get(id)!]));
}

/** Of each repository its kept commits by id, oldest first, with the vectors of their diffs. */
async function encodeDiffs(
  profile: Profile, evolution: Evolution, reader: Embedder, recipe: DiffRecipe, repositories: ReadonlySet<string>, progress: Progress,
): Promise<Map<string, Map<string, Omit<CommitVector, 'state'>>>> {
  const total = evolution.report.repositories.reduce((sum, { id, commits }) => sum + (repositories.has(id) ? commits : 0), 0);
  let done = 0;
  const windows = windowCache(profile, reader, recipe, speedometer(progress, 'reading diffs with the model', () => done, total));
  const found = new Map([...repositories].map((id) => [id, new Map<string, Omit<CommitVector, 'state'>>()]));
  async function* missing(): AsyncGenerator<Commit> {
    for await (const commit of evolution.commits()) if (found.has(commit.repo)) yield commit;
  }
  for await (const [{ repo, id, index }, diff] of withDiffVectors(missing(), windows, recipe)) {
    found.get(repo)!.set(id, { id, index, diff });
    done++;
  }
  return found;
}

function write(path: string, commits: readonly CommitVector[]): void {
  const rows = (name: 'diff' | 'state') => {
    const width = commits[0]?.[name].length ?? 0, data = new Float32Array(commits.length * width);
    commits.forEach((commit, i) => { data.set(commit[name], i * width); });
    return { shape: [commits.length, width], data };
  };
  const index = { shape: [commits.length], data: Int32Array.from(commits, ({ index }) => index) };
  storeSafetensors(path, new Map<string, NamedArray>([['diff', rows('diff')], ['state', rows('state')], ['index', index]]),
    { commits: commits.map(({ id }) => id).join(' ') });
}

function read(path: string, progress: Progress): CommitVector[] | undefined {
  const stored = storedSafetensors(path, progress);
  if (!stored) return undefined;
  const { tensors, metadata } = stored;
  const row = (name: string, i: number) => {
    const { shape, data } = tensors.get(name)!;
    return data.subarray(i * shape[1]!, (i + 1) * shape[1]!) as Float32Array;
  };
  return metadata['commits']!.split(' ').map((id, i) => ({ id, index: tensors.get('index')!.data[i]!, diff: row('diff', i), state: row('state', i) }));
}
