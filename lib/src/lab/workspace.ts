/**
 * The door that notebooks and commands use: each call returns at once when its result is stored, and makes it
 * otherwise, with all that it needs.
 */
import { methods } from '../methods/index.js';
import { profileNamed, type LearningConfig, type Profile } from '../profiles.js';
import type { Prediction } from '../eval/types.js';
import { UserError } from '../store/errors.js';
import { silent, type Progress } from '../store/progress.js';
import { openBaseModel, type BaseModel } from './base-model.js';
import { openCorpus, type Corpus } from './corpus.js';
import { openEvolution, type Evolution } from './evolution.js';
import { runId } from './keys.js';
import { results } from './paths.js';
import { finishedHere, performRun, readRun, type Run } from './run.js';
import { openVectors, type Vectors } from './vectors.js';

export interface WorkspaceOptions {
  /** `smoke` or `mini`. */
  profile: string;
  progress?: Progress;
  /** Make every run on this machine, even those whose results came with the project. */
  recompute?: boolean;
}

export interface RunOptions {
  seed?: number;
  /** Settings of training that differ from the profile's. */
  learning?: Partial<LearningConfig>;
}

export interface Workspace {
  profile: Profile;
  /** The static track: tasks of one snapshot of each repository. */
  corpus(): Promise<Corpus>;
  /** The evolution track: tasks of the commits of those repositories that have a history. */
  evolution(): Promise<Evolution>;
  baseModel(): Promise<BaseModel>;
  vectors(): Promise<Vectors>;
  /** One method under one seed: its record and its predictions. */
  run(method: string, options?: RunOptions): Promise<Run>;
  /** The predictions of all methods, in the order of the tables. */
  predictions(options?: RunOptions): Promise<Prediction[]>;
}

const SEED = 3407;

export function openWorkspace({ profile: name, progress = silent, recompute = false }: WorkspaceOptions): Workspace {
  const profile = profileNamed(name);
  const once = <T>(make: () => Promise<T>) => {
    let made: Promise<T> | undefined;
    return () => (made ??= make());
  };
  const corpus = once(() => openCorpus(profile, progress));
  const evolution = once(() => openEvolution(profile, progress));
  const baseModel = once(() => openBaseModel(profile, corpus, progress));
  const vectors = once(async () => openVectors(profile, await corpus(), await baseModel(), progress));

  const run = async (name: string, { seed = SEED, learning = {} }: RunOptions = {}): Promise<Run> => {
    const method = methods.find((m) => m.name === name);
    if (!method) throw new UserError(`There is no method "${name}". Known: ${methods.map((m) => m.name).join(', ')}.`);
    const own = { ...profile, learning: { ...profile.learning, ...learning } };
    const stored = recompute && !finishedHere(method, seed, own) ? undefined : await readRun(results(own.name, 'runs', runId(method, seed, own)));
    return stored ?? performRun(method, seed, { profile: own, corpus: await corpus(), base: await baseModel(), vectors: await vectors() }, progress);
  };
  return {
    profile, corpus, evolution, baseModel, vectors, run,
    predictions: async (options) => {
      const all: Prediction[] = [];
      for (const method of methods) all.push(...(await run(method.name, options)).predictions);
      return all;
    },
  };
}
