/** Stage 3: the vector of every repository, stored one file each, so that an interrupted run goes on where it was. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryVector } from '../encoder/repository-vector.js';
import type { Profile } from '../profiles.js';
import type { Progress } from '../store/progress.js';
import { readSafetensors, writeSafetensors } from '../store/safetensors.js';
import type { BaseModel } from './base-model.js';
import type { Corpus } from './corpus.js';
import { vectorsKey } from './keys.js';
import { cache } from './paths.js';

/** Repository vectors [2h] by repository. */
export type Vectors = Map<string, Float32Array>;

export async function openVectors(profile: Profile, corpus: Corpus, base: BaseModel, progress: Progress): Promise<Vectors> {
  const folder = cache(profile.name, `vectors-${vectorsKey(profile)}`);
  const ids = corpus.repositories.filter((r) => r.tasks > 0).map((r) => r.id);
  const path = (id: string) => join(folder, `${id}.safetensors`);
  const missing = new Set(ids.filter((id) => !existsSync(path(id))));
  if (missing.size) {
    let tokens = 0;
    const began = performance.now();
    for (const repo of await corpus.source()) {
      if (!missing.has(repo.id)) continue;
      const made = repositoryVector(repo, base, base.tokenizer, profile.encoder);
      writeSafetensors(path(repo.id), new Map([['vector', { shape: [made.vector.length], data: made.vector }]]), 'F32',
        { files: String(made.files), tokens: String(made.tokens) });
      missing.delete(repo.id);
      tokens += made.tokens;
      progress({
        stage: 'reading repositories with the model', done: ids.length - missing.size, total: ids.length,
        note: `${Math.round((1000 * tokens) / (performance.now() - began))} tokens/s`,
      });
      await new Promise(setImmediate);
    }
  }
  return new Map(ids.map((id) => [id, readSafetensors(path(id)).tensors.get('vector')!.data as Float32Array]));
}
