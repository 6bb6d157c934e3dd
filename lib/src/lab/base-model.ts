/** Stage 2: the frozen model and its tokenizer. Smoke trains a tiny one on its synthetic training repositories. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Embedder, embedderOf } from '../encoder/embedder.js';
import { loadModel, saveModel } from '../model/checkpoint.js';
import { openModelFolder } from '../model/open-model.js';
import { disposeModel, type Model } from '../model/weights.js';
import { pretrain } from '../pretrain/pretrain.js';
import type { Profile } from '../profiles.js';
import { UserError } from '../store/errors.js';
import { ensure } from '../store/lock.js';
import type { Progress } from '../store/progress.js';
import { areWhole, seal } from '../store/sums.js';
import { loadTokenizer, type Tokenizer } from '../text/tokenizer.js';
import type { Corpus } from './corpus.js';
import { baseKey, modelKey } from './keys.js';
import { cache, cacheOf } from './paths.js';
import { fetchPinnedModel, isPinnedModel, readPinnedModel } from './pinned-model.js';
import { SHIPPED_MODEL, shippedModel } from './shipped-model.js';

export interface BaseModel extends Model {
  name: string;
  tokenizer: Tokenizer;
}

/** The path of a pinned model, fetched where it is not here, or of the one that comes with the project; undefined of other names. */
export async function knownModel(name: string, progress: Progress): Promise<string | undefined> {
  if (isPinnedModel(name)) return fetchPinnedModel(readPinnedModel(name), progress);
  return name === SHIPPED_MODEL ? shippedModel() : undefined;
}

/** @param name a pinned model, the one that comes with the project, a folder or a GGUF file on this machine, or a model of the hub */
export async function openModel(name: string, progress: Progress): Promise<BaseModel> {
  const folder = (await knownModel(name, progress)) ?? await openModelFolder(name, cache(), progress);
  const tokenizer = loadTokenizer(folder), model = loadModel(folder);
  // Else an id would be read, and in training written, beside the embedding.
  if (tokenizer.vocabSize > model.config.vocabSize) {
    disposeModel(model);
    throw new UserError(`${name}: its tokenizer has ids up to ${tokenizer.vocabSize - 1} and its embedding ${model.config.vocabSize} rows: they are of different models, fetch both again from one place.`);
  }
  return { ...model, name, tokenizer };
}

/** A model that reads, for vectors under its own name. */
export const embedderNamed = (model: BaseModel): Embedder => embedderOf(model, model.tokenizer, modelKey(model.name));

/** `use` with what reads a profile's repositories: the encoder's own model, opened for as long as that takes, or the frozen one that answers. */
export async function withReader<T>(profile: Profile, base: BaseModel, progress: Progress, use: (embedder: Embedder) => Promise<T>): Promise<T> {
  const { model: name } = profile.encoder;
  if (name === undefined) return use(embedderOf(base, base.tokenizer, baseKey(profile)));
  const model = await openModel(name, progress);
  try {
    return await use(embedderNamed(model));
  } finally {
    disposeModel(model);
  }
}

export async function openBaseModel(profile: Profile, corpus: () => Promise<Corpus>, progress: Progress): Promise<BaseModel> {
  const { base } = profile;
  if ('model' in base) return openModel(base.model, progress);
  const tokenizer = loadTokenizer(shippedModel()), folder = cacheOf(profile.name, `base-${baseKey(profile)}`);
  await ensure(() => areWhole(folder, MODEL_FILES, progress), folder, 'pre-training the tiny base model', progress, async () => {
    await pretrainTiny(folder, base, await corpus(), tokenizer, progress);
    seal(folder, MODEL_FILES);
  });
  return { ...loadModel(folder), name: 'tiny', tokenizer };
}

const MODEL_FILES = ['config.json', 'model.safetensors'];

async function pretrainTiny(
  folder: string, base: Extract<Profile['base'], { pretrain: unknown }>, corpus: Corpus, tokenizer: Tokenizer, progress: Progress,
): Promise<void> {
  const repositories = await corpus.source();
  const text = (split: string) => repositories.filter((r) => r.split === split).flatMap((r) => r.files.map((f) => Buffer.from(f.bytes).toString('utf8')));
  const ids = (texts: string[]) => Uint16Array.from(texts.flatMap((t) => [...tokenizer.encode(t), tokenizer.eos]));
  const heldOut = text('cr_val');
  const batchTokens = 1024;
  mkdirSync(folder, { recursive: true });
  const model = await pretrain({
    model: { ...base.pretrain.model, vocabSize: tokenizer.vocabSize }, tokens: base.pretrain.steps * batchTokens, batchTokens,
    context: 128, longContext: 128, learningRate: 5e-3, warmupSteps: 20, decayFraction: 0.2, weightDecay: 0.1, seed: 3407,
  }, {
    train: ids(text('train')), heldOut: ids(heldOut), heldOutBytes: heldOut.reduce((n, t) => n + Buffer.byteLength(t), 0),
    files: 0, dropped: {},
  }, join(folder, 'pretrain'), (update) => progress({ ...update, stage: 'pre-training the tiny base model' }));
  saveModel(folder, model);
  disposeModel(model);
}
