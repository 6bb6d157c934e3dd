/** Stage 3: the vector of every repository, stored one file each, so that an interrupted run goes on where it was. */
import { join } from 'node:path';
import { refuseAsked } from '../data/leakage.js';
import { isForReading } from '../data/tests-files.js';
import type { Embedder } from '../encoder/embedder.js';
import { readableFiles } from '../encoder/files.js';
import type { WindowRecipe } from '../encoder/recipe.js';
import { type EncoderConfig, recipeOf, repositoryVector } from '../encoder/repository-vector.js';
import { VectorCache } from '../encoder/vector-cache.js';
import type { Profile } from '../profiles.js';
import { ensure } from '../store/lock.js';
import type { Progress } from '../store/progress.js';
import { storedSafetensors, storeSafetensors } from '../store/safetensors.js';
import { withReader, type BaseModel } from './base-model.js';
import type { Corpus } from './corpus.js';
import { vectorsKey } from './keys.js';
import { cacheOf } from './paths.js';

/** Repository vectors [2h] by repository. */
export type Vectors = Map<string, Float32Array>;

/**
 * @param encoder another recipe than the profile's, for ablations: as long as it cuts windows in the same way, files
 *   that have been read are not read by the model again
 */
export async function openVectors(
  profile: Profile, corpus: Corpus, base: BaseModel, progress: Progress, encoder: EncoderConfig = profile.encoder,
): Promise<Vectors> {
  const recipe = recipeOf(encoder);
  const folder = cacheOf(profile.name, `vectors-${vectorsKey({ ...profile, encoder })}`);
  const ids = corpus.repositories.filter((r) => r.tasks > 0).map((r) => r.id);
  const path = (id: string) => join(folder, `${id}.safetensors`);
  const vectors: Vectors = new Map();
  const lacking = () => readInto(vectors, ids, (id) => storedSafetensors(path(id), progress)?.tensors.get('vector')?.data as Float32Array | undefined);
  await ensure(() => lacking().size === 0, folder, 'reading repositories with the model', progress, async () => {
    const missing = lacking();
    const report = speedometer(progress, 'reading repositories with the model', () => ids.length - missing.size, ids.length);
    await withReader({ ...profile, encoder }, base, progress, async (embedder) => {
      const windows = windowCache(profile, embedder, recipe, report);
      // The authors' recipe reads all Python files.
      const asked = recipe.files === 'all-python' ? [] : corpus.tasks.filter(({ file }) => !recipe.halved || !isForReading(file));
      for (const repo of await corpus.source()) {
        if (!missing.has(repo.id)) continue;
        const readable = readableFiles(repo, recipe);
        refuseAsked(repo.id, readable, asked);
        const { vector, files, tokens } = await repositoryVector(readable, windows, recipe);
        storeSafetensors(path(repo.id), new Map([['vector', { shape: [vector.length], data: vector }]]),
          { files: String(files), tokens: String(tokens) });
        vectors.set(repo.id, vector);
        missing.delete(repo.id);
        report(0);
        await new Promise(setImmediate);
      }
    });
  });
  return new Map(ids.map((id) => [id, vectors.get(id)!]));
}

/** Adds what is stored of these, each read once. Returns those of which nothing is. */
export function readInto<T>(found: Map<string, T>, ids: readonly string[], read: (id: string) => T | undefined): Set<string> {
  for (const id of ids) {
    const stored = found.has(id) ? undefined : read(id);
    if (stored !== undefined) found.set(id, stored);
  }
  return new Set(ids.filter((id) => !found.has(id)));
}

/** Window vectors of a profile: one folder for snapshots, commits and ablations. */
export const windowCache = (profile: Profile, reader: Embedder, recipe: WindowRecipe, tick: (tokens: number) => void): VectorCache =>
  new VectorCache(cacheOf(profile.name, 'windows'), reader, recipe, tick);

/** Adds up encoded tokens and reports how far the work is, and how fast the model reads. */
export function speedometer(progress: Progress, stage: string, done: () => number, total: number): (tokens: number) => void {
  const began = performance.now();
  let sum = 0;
  return (tokens) => {
    sum += tokens;
    progress({ stage, done: done(), total, note: `${Math.round((1000 * sum) / (performance.now() - began))} tokens/s` });
  };
}
