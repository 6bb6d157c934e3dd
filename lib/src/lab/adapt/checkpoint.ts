/**
 * A trained hypernetwork, ready to write adapters: out of a checkpoint of ours (`trained.safetensors` of a training of
 * code2lora-static, code2lora-static-paper or code2lora-evo) or out of a released one.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { embedderOf, type Embedder } from '../../encoder/embedder.js';
import { diff, released, type DiffRecipe, type EncoderRecipe } from '../../encoder/recipe.js';
import { readDirect, readGru, type State } from '../../hypernet/released.js';
import { lastLayers } from '../../lora/adapter.js';
import { evoConfig } from '../../methods/code2lora-evo.js';
import { headTrainedBy, staticHeadConfig } from '../../methods/code2lora-static.js';
import { reading, takeApart } from '../../methods/standardised.js';
import { readConfig } from '../../model/config-json.js';
import type { ModelConfig } from '../../model/config.js';
import { fingerprint } from '../../model/fingerprint.js';
import { isGguf, openGgufModel } from '../../model/gguf-model.js';
import { profileNamed } from '../../profiles.js';
import { UserError } from '../../store/errors.js';
import { fetchHubFile, hubRepo } from '../../store/hub.js';
import type { Progress } from '../../store/progress.js';
import { openSafetensors, readSafetensors, type SafetensorsFile } from '../../store/safetensors.js';
import { embedderNamed, knownModel, openBaseModel, openModel, type BaseModel } from '../base-model.js';
import { openCorpus } from '../corpus.js';
import { cache } from '../paths.js';
import { PUBLISHED_ENCODER, readRecord } from './record.js';
import { readConverted, readReleased, type Released } from './released.js';
import { evoWriter, staticWriter, type Writer } from './writer.js';

/** What the released checkpoints were trained for. */
const RELEASED_BASE = 'Qwen/Qwen2.5-Coder-1.5B';

export interface CheckpointOptions {
  /** The frozen model, as `openModel` takes it, where it is not the one that the checkpoint names. */
  base?: string;
  /** The encoder of a checkpoint that was trained with the published one; others read repositories with the frozen model itself. */
  encoder?: string;
}

export interface Checkpoint extends Writer {
  /** What it is, in a few words. */
  description: string;
  /** The model that its adapters are for, by the name that an adapter gives it. */
  base: { name: string; config: ModelConfig };
  embedder: Embedder;
  recipes: { state: EncoderRecipe; diff: DiffRecipe };
}

/**
 * @param path of the file. Models that are not on this machine are fetched; of a released checkpoint's frozen model
 *   only its config.json
 * @throws UserError in one line: no such file, none of this method, or not for this frozen model or encoder
 */
export async function openCheckpoint(path: string, options: CheckpointOptions, progress: Progress): Promise<Checkpoint> {
  if (!existsSync(path)) {
    throw new UserError(`There is no checkpoint ${path}: a training leaves one at data/cache/PROFILE/trained/ID/trained.safetensors.`);
  }
  if (!path.endsWith('.safetensors')) return openReleased(readReleased(path), options, progress);
  const file = openSafetensors(path);
  try {
    if ('info' in file.metadata) return await openOurs(path, file, options, progress);
    return await openReleased(readConverted(path, file), options, progress);
  } finally {
    file.close();
  }
}

async function openOurs(
  path: string, { metadata }: SafetensorsFile, options: CheckpointOptions, progress: Progress,
): Promise<Checkpoint> {
  const { method, track, profile, learning, encoder, diff, encodedBy, base: trainedFor } = readRecord(path, metadata['checkpoint']);
  const head = headTrainedBy(method, learning);
  if (!head && method !== 'code2lora-evo') {
    throw new UserError(`${path} is of ${method}, which writes no adapters for new repositories: give one of code2lora-static or code2lora-evo.`);
  }
  if (options.encoder !== undefined && encodedBy === undefined) throw new UserError(`${path} reads repositories with its frozen model: leave --encoder away.`);
  const base = options.base === undefined ? await openOwnBase(profile, progress) : await openModel(options.base, progress);
  if (fingerprint(base) !== trainedFor) {
    throw new UserError(`${path} was trained for the frozen model of the profile ${profile}, which ${base.name} is not: give that one with --base.`);
  }
  const { parameters, standardisers } = takeApart(readSafetensors(path).tensors);
  const state: State = new Map([...parameters].map(([name, array]) => [name, { shape: array.shape, read: () => array }]));
  const rows = (name: string) => state.get(name)?.shape[0] ?? 0, input = rows(head ? 'trunk.0.weight' : 'initial.weight');
  const adapted = lastLayers(base.config, learning.layers), writer = head
    ? staticWriter(path, staticHeadConfig(learning, head, input), state, adapted)
    : evoWriter(path, evoConfig(learning, input, rows('step.weight') - (learning.evo.stepInput === 'both' ? input : 0)), state, adapted, track === 'evolution');
  const read = reading(standardisers);
  const limit = head || writer.stepInput ? '' : ', without commits: it writes from the initial state';
  const description = `${method}, trained on the ${track} track of the profile ${profile}${limit}`;
  return fitting({
    ...writer, write: (repository, commits) => writer.write(read.vector(repository), commits.map(read.commit)), description, base,
    embedder: encodedBy === undefined ? embedderOf(base, base.tokenizer, trainedFor) : await openEncoder(options.encoder ?? encodedBy, progress),
    recipes: { state: encoder, diff },
  }, standardisers.state?.mean.length ?? input);
}

async function openReleased(file: Released, options: CheckpointOptions, progress: Progress): Promise<Checkpoint> {
  const name = options.base ?? RELEASED_BASE, config = await readBaseConfig(name, progress);
  const { writer, input, description } = 'direct' in file ? releasedDirect(file.direct, config) : releasedGru(file.gru, config);
  return fitting({
    ...writer, description, base: { name, config }, embedder: await openEncoder(options.encoder ?? PUBLISHED_ENCODER, progress), recipes: { state: released, diff },
  }, input);
}

function releasedDirect(file: Parameters<typeof readDirect>[0], model: ModelConfig) {
  const { config, parameters } = readDirect(file, model), description = 'code2lora-direct, as released';
  return { writer: staticWriter(description, config, parameters, model), input: config.input, description };
}

function releasedGru(file: Parameters<typeof readGru>[0], model: ModelConfig) {
  const { config, parameters } = readGru(file, model), description = 'code2lora-gru, as released';
  return { writer: evoWriter(description, config, parameters, model, true), input: config.input, description };
}

/** @throws UserError when the encoder's vectors do not have the length that the network reads */
function fitting(checkpoint: Checkpoint, input: number): Checkpoint {
  const { embedder, recipes, description } = checkpoint, given = recipes.state.overFiles.length * embedder.hidden;
  if (given !== input) {
    throw new UserError(`The checkpoint (${description}) reads vectors of ${input} values and this encoder makes ${given}: ` +
      'give the one that it was trained with by --encoder.');
  }
  return checkpoint;
}

async function openOwnBase(profile: string, progress: Progress): Promise<BaseModel> {
  const own = profileNamed(profile);
  return openBaseModel(own, () => openCorpus(own, progress), progress);
}

const openEncoder = async (name: string, progress: Progress): Promise<Embedder> => embedderNamed(await openModel(name, progress));

/** Of a model whose weights are not needed: from the hub the config alone is fetched. */
async function readBaseConfig(name: string, progress: Progress): Promise<ModelConfig> {
  const path = (await knownModel(name, progress)) ?? name;
  if (isGguf(path)) {
    const { config, close } = openGgufModel(path);
    close();
    return config;
  }
  if (existsSync(path)) return readConfig(join(path, 'config.json'));
  return readConfig(await fetchHubFile(hubRepo('model', name), 'config.json', cache(), progress));
}
