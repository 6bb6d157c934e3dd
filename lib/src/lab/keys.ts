/**
 * The names of results. Each is a hash of all that determines the result, computed from the settings alone, so that a
 * stored result is found without making what it was made from.
 */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { readCorpusFile } from '../data/sources/corpus-file.js';
import type { Method, Track } from '../methods/index.js';
import type { Profile } from '../profiles.js';
import { UserError } from '../store/errors.js';
import { hashFile, hashJson } from '../store/hash.js';
import { data } from './paths.js';
import { isPinnedModel, readPinnedModel } from './pinned-model.js';
import { SHIPPED_MODEL, shippedModel } from './shipped-model.js';

/** Raised by one when a stage's code changes what the same inputs give. */
const VERSIONS = { corpus: 2, generator: 2, evolution: 1, base: 1, vectors: 2, commitVectors: 1, training: 1, walking: 2, run: 2, otherAlong: 2, otherLearnt: 1, firstTasks: 1, oneEach: 1, likelihood: 1 };

const short = (value: unknown): string => hashJson(value).slice(0, 12);

type PinnedCorpus = ReturnType<typeof readCorpusFile>;
const corpora = new Map<string, PinnedCorpus>();
export function pinnedCorpus(profile: Profile): PinnedCorpus | undefined {
  if (!('pinned' in profile.corpus)) return undefined;
  const path = data('corpora', profile.corpus.pinned);
  if (!corpora.has(path)) corpora.set(path, readCorpusFile(path));
  return corpora.get(path);
}

/** False where the repositories are one snapshot each: there is no evolution track then. */
export function hasHistories(profile: Profile): boolean {
  const pinned = pinnedCorpus(profile);
  return !pinned || 'repositories' in pinned || Object.keys(pinned.releases ?? {}).length > 0;
}

function unpinned({ corpus }: Profile): unknown {
  return 'synthetic' in corpus ? [VERSIONS.generator, corpus] : corpus;
}

export function corpusKey(profile: Profile): string {
  const pinned = pinnedCorpus(profile);
  const repositories = pinned && ('projects' in pinned ? pinned.projects : [pinned.repositories, profile.evolution.cutoff]);
  return short([VERSIONS.corpus, repositories ?? unpinned(profile), profile.curation]);
}

export function evolutionKey(profile: Profile): string {
  const pinned = pinnedCorpus(profile);
  const histories = pinned && ('projects' in pinned ? [pinned.projects, pinned.releases] : pinned.repositories);
  return short([VERSIONS.evolution, histories ?? unpinned(profile), profile.evolution]);
}

/** Hashes of models on this machine, which do not change while a program runs. */
const weights = new Map<string, string>();
export function baseKey(profile: Profile): string {
  const { base } = profile;
  return 'pretrain' in base ? short([VERSIONS.base, corpusKey(profile), base]) : modelKey(base.model);
}

/** Of a model by any of its names: of a revision of the hub the name, of weights on this machine their hash. */
export function modelKey(name: string): string {
  if (name === SHIPPED_MODEL) return weightsKey(shippedModel());
  if (isPinnedModel(name)) return readPinnedModel(name).sha256.slice(0, 12);
  return existsSync(name) ? weightsKey(name) : short([VERSIONS.base, { hub: name }]);
}

/** Of a GGUF file, or of a folder. */
function weightsKey(path: string): string {
  if (!weights.has(path)) {
    const files = path.endsWith('.gguf') ? [path] : existsSync(path) ? modelFiles(path) : [];
    if (!files.some((file) => /\.(safetensors|gguf)$/.test(file))) throw new UserError(`The frozen model is not there: ${path} holds no weights. Give a folder with safetensors, or a GGUF file.`);
    const hashes = files.map((file) => hashFile(file));
    weights.set(path, (hashes.length === 1 ? hashes[0]! : hashJson(hashes)).slice(0, 12));
  }
  return weights.get(path)!;
}

/** Weights and, unless the folder is the project's own (by whatever path), what says how they are used. */
function modelFiles(folder: string): string[] {
  const named = realpathSync(folder) === realpathSync(shippedModel()) ? /\.safetensors$/ : /\.safetensors$|^(config|tokenizer)\.json$/;
  return readdirSync(folder).filter((file) => named.test(file)).sort().map((file) => join(folder, file));
}

export function vectorsKey(profile: Profile): string {
  const { model: _, ...encoder } = profile.encoder;
  return short([VERSIONS.vectors, corpusKey(profile), readerKey(profile), encoder]);
}

export function commitVectorsKey(profile: Profile, recipes: object): string {
  return short([VERSIONS.commitVectors, evolutionKey(profile), readerKey(profile), recipes]);
}

/** Vectors depend on the model that reads, and on the one that answers only where it is the same. */
const readerKey = (profile: Profile): string => (profile.encoder.model === undefined ? baseKey(profile) : modelKey(profile.encoder.model));

/** Name of the tasks and vectors of a track. */
function trackKey(track: Track, profile: Profile): unknown[] {
  if (track === 'static') return [corpusKey(profile), vectorsKey(profile)];
  const { encoder, curation } = profile;
  return [VERSIONS.commitVectors, evolutionKey(profile), encoder.model === undefined ? encoder : { ...encoder, model: readerKey(profile) }, curation.seed];
}

/** Name of what a method trains; undefined where it trains nothing. Methods of the same settings share it. */
export function trainingId(method: Method, track: Track, seed: number, profile: Profile): string | undefined {
  if (!method.settings) return undefined;
  const { validation, IR, irRepositories, commits } = profile.evaluated[track];
  const settings = method.settings(profile.learning, track);
  const key = short([
    VERSIONS.training, ...(track === 'evolution' ? [VERSIONS.walking] : []), trackKey(track, profile), baseKey(profile), settings, profile.maxTokens, validation,
    ...(method.inRepositoryOnly ? [IR && irRepositories] : []),
    ...(method.oneEach ? [VERSIONS.oneEach] : []),
    // It trains for the repositories that are asked about.
    ...(method.startsFrom ? [profile.evaluated[track]] : []),
    ...(commits === undefined ? [] : [{ commits }]),
    ...(method.publishedPrompt && profile.learning.conditions === 'published' ? ['published prompt'] : []),
  ]);
  return `${track}-s${seed}-${key}`;
}

/** `static-code2lora-static-s3407-0123456789ab`. What a method does not use is not part of its name. */
export function runId(method: Method, track: Track, seed: number, profile: Profile): string {
  const { validation, ...evaluated } = profile.evaluated[track];
  const tasks = track === 'static' ? corpusKey(profile) : evolutionKey(profile);
  const answered = method.answerSettings ? [method.answerSettings(profile.learning), profile.contextTokens, profile.encoder.window] : null;
  const key = [
    VERSIONS.run, tasks, baseKey(profile), trainingId(method, track, seed, profile) ?? null, answered,
    profile.maxTokens, profile.maxNewTokens, evaluated, profile.curation.seed,
    ...(track === 'evolution' && method.adapters(track).includes('other') ? [VERSIONS.otherAlong] : []),
    ...(profile.learning.trainRepositories !== undefined && method.settings && method.adapters(track).includes('other') ? [VERSIONS.otherLearnt] : []),
    ...('published' in profile.corpus ? [VERSIONS.firstTasks] : []),
    ...(profile.encoder.halved ? ['halved'] : []),
    ...(method.settings && profile.learning.keptAfter !== undefined ? [{ keptAfter: profile.learning.keptAfter }] : []),
  ];
  return `${track}-${method.name}-s${seed}-${short(key)}`;
}

/** Name of the likelihoods that a run has. Not part of the run's: `reproduce` takes those that a stored run lacks. */
export const likelihoodKey = (track: Track, profile: Profile): string => short([VERSIONS.likelihood, profile.likelihood[track], profile.curation.seed]);
