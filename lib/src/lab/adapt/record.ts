/**
 * What a checkpoint of ours says of itself, in its metadata beside the trained values: all that is needed to write the
 * adapter of a repository that no profile knows.
 */
import { diff, diffInPart, type DiffRecipe, type EncoderRecipe } from '../../encoder/recipe.js';
import { recipeOf } from '../../encoder/repository-vector.js';
import type { MethodInputs, Track } from '../../methods/method.js';
import { fingerprint } from '../../model/fingerprint.js';
import type { LearningConfig, Profile } from '../../profiles.js';
import { UserError } from '../../store/errors.js';
import { type Fields, isFields } from '../../store/fields.js';

export interface CheckpointRecord {
  method: string;
  track: Track;
  seed: number;
  profile: string;
  learning: LearningConfig;
  /** How repositories and diffs were read. */
  encoder: EncoderRecipe;
  diff: DiffRecipe;
  /** The model that read them, by the name that it has here; absent where the frozen model did. */
  encodedBy?: string;
  /** The frozen model's `fingerprint`. */
  base: string;
}

/** What the released checkpoints and the published vectors were made with. */
export const PUBLISHED_ENCODER = 'Qwen/Qwen3-Embedding-0.6B';

export function recordText(method: string, profile: Profile, { model, track, seed }: Pick<MethodInputs, 'model' | 'track' | 'seed'>): string {
  const { name, learning, encoder } = profile, published = 'published' in profile.corpus;
  const record: CheckpointRecord = {
    method, track, seed, profile: name, learning, encoder: recipeOf(encoder), diff: published ? diff : diffInPart(encoder),
    ...(published ? { encodedBy: PUBLISHED_ENCODER } : encoder.model !== undefined && { encodedBy: encoder.model }), base: fingerprint(model),
  };
  return JSON.stringify(record);
}

/** @param text undefined where the file has none. Throws a UserError then, and when it is not such a record. */
export function readRecord(path: string, text: string | undefined): CheckpointRecord {
  if (text === undefined) {
    throw new UserError(`${path} does not say what it was trained for, as files of earlier versions: delete it and train again.`);
  }
  const record = parsed(text);
  if (!isRecord(record)) throw new UserError(`${path} says in a way that is not known here what it was trained for: delete it and train again.`);
  return record;
}

/** JSON has no Infinity and writes null; nothing else in a record is null. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text, (_key, value: unknown) => (value === null ? Number.POSITIVE_INFINITY : value));
  } catch {
    return undefined;
  }
}

const isRecord = (x: unknown): x is CheckpointRecord => isFields(x) && (x['track'] === 'static' || x['track'] === 'evolution')
  && ['method', 'profile', 'base'].every((name) => typeof x[name] === 'string') && (x['encodedBy'] === undefined || typeof x['encodedBy'] === 'string') && typeof x['seed'] === 'number'
  && ['learning', 'encoder', 'diff'].every((name) => isFields(x[name])) && ['rank', 'alpha', 'headWidth'].every((name) => typeof (x['learning'] as Fields)[name] === 'number')
  && isFields((x['learning'] as Fields)['head']) && isFields((x['learning'] as Fields)['evo'])
  && ['window', 'maxWindows'].every((name) => typeof (x['encoder'] as Fields)[name] === 'number')
  && Array.isArray((x['encoder'] as Fields)['overFiles']) && Array.isArray((x['diff'] as Fields)['overWindows']);
