/**
 * The door that notebooks and commands use: each call returns at once when its result is stored, and makes it
 * otherwise, with all that it needs.
 */
import type { Task, Track } from '../data/types.js';
import type { EncoderConfig } from '../encoder/repository-vector.js';
import type { Prediction } from '../eval/types.js';
import type { Adapter } from '../lora/adapter.js';
import { methods, type Method } from '../methods/index.js';
import { profileNamed, type Profile } from '../profiles.js';
import { UserError } from '../store/errors.js';
import { silent, type Progress } from '../store/progress.js';
import { remembered } from '../store/remembered.js';
import { once, stoppable, stopping, unstopped } from '../store/stop.js';
import type { Context } from '../train/draws.js';
import { asPublished, matched, type PromptFormat } from '../train/examples.js';
import { writeAdapters } from './adapters.js';
import { audit, type Audit, readAudit } from './audit/audit.js';
import { openBaseModel, type BaseModel } from './base-model.js';
import { openCommitVectors } from './commit-vectors.js';
import { openCorpus, type Corpus } from './corpus.js';
import { openEvolution, type Evolution } from './evolution.js';
import { runId, trainingId } from './keys.js';
import { methodInputs } from './method-inputs.js';
import { results } from './paths.js';
import { publishedTrack } from './published.js';
import { asRun } from './run-settings.js';
import { finishedHere, performRun, readRun, type Run, type RunOptions } from './run.js';
import { sweep, type SweepOptions } from './sweep.js';
import type { SweepRun, SweptRun } from './sweep-run.js';
import { evolutionTrack, staticTrack, type TrackData } from './track-data.js';
import { openVectors, type Vectors } from './vectors.js';

export interface WorkspaceOptions {
  /** `smoke`, `synthetic`, `mini`, `pypi`, `coder` or `paper`. */
  profile: string;
  progress?: Progress;
  /** Make every run on this machine, even those whose results came with the project. */
  recompute?: boolean;
}

export interface Workspace {
  profile: Profile;
  /** The static track: tasks of one snapshot of each repository. */
  corpus(): Promise<Corpus>;
  /** The evolution track: tasks of the commits of those repositories that have a history. */
  evolution(): Promise<Evolution>;
  baseModel(): Promise<BaseModel>;
  /** Vectors of the static track's snapshots. */
  vectors(encoder?: Partial<EncoderConfig>): Promise<Vectors>;
  /** One method under one seed: its record and its predictions. */
  run(method: string, options?: RunOptions): Promise<Run>;
  /** Makes what a run has in common with others, and is not made yet: tasks, frozen model, vectors. */
  prepare(method: string, options?: RunOptions): Promise<void>;
  /** Several runs, each under a name: those of an ablation. What failed is reported when all others are done. */
  sweep(runs: readonly SweepRun[], options?: SweepOptions): Promise<SweptRun[]>;
  /** The adapters that a run's method, trained, writes at these contexts; the caller disposes of them. */
  adapters(method: string, contexts: readonly Context[], options?: RunOptions): Promise<Adapter[]>;
  /** Does what a run's method writes depend on the repository? Measured on the static track, and stored. */
  audit(method: string, options?: Omit<RunOptions, 'track'>): Promise<Audit>;
  /** The predictions of several runs, one after another. */
  predictions(methods: readonly string[], options?: RunOptions & { seeds?: readonly number[] }): Promise<Prediction[]>;
}

export const SEED = 3407;

/** What a track's data depend on beside the profile. */
interface TrackChoice {
  track: Track;
  encoder: Partial<EncoderConfig>;
  format: PromptFormat;
  trainRepositories?: number;
}

export function openWorkspace({ profile: name, progress: show = silent, recompute = false }: WorkspaceOptions): Workspace {
  const profile = profileNamed(name), progress = stopping(show);
  /** Each key's value is made at its first use, and once. */
  const byKey = <K, T>(what: string, make: (key: K) => Promise<T>) => {
    const made = new Map<string, () => Promise<T>>();
    return (key: K): Promise<T> => {
      const text = JSON.stringify(key), get = made.get(text) ?? remembered(() => once(`${profile.name} ${what} ${text}`, () => make(key)));
      made.set(text, get);
      return unstopped(get);
    };
  };
  const single = <T>(what: string, make: () => Promise<T>) => {
    const one = byKey(what, (_: null) => make());
    return () => one(null);
  };
  const corpus = single('corpus', () => openCorpus(profile, progress));
  const evolution = single('evolution', () => openEvolution(profile, progress));
  const baseModel = single('model', () => openBaseModel(profile, corpus, progress));
  const vectors = byKey('vectors', async (encoder: Partial<EncoderConfig>) =>
    openVectors(profile, await corpus(), await baseModel(), progress, { ...profile.encoder, ...encoder }));
  const trackData = byKey('track', async ({ track, encoder, format, trainRepositories }: TrackChoice): Promise<TrackData> => {
    const base = await baseModel(), own = {
      ...profile, encoder: { ...profile.encoder, ...encoder }, learning: { ...profile.learning, ...(trainRepositories !== undefined && { trainRepositories }) },
    };
    if ('published' in profile.corpus) return publishedTrack(track, profile.corpus.published, own, base, format, progress);
    if (track === 'static') return staticTrack(own, await corpus(), await vectors(encoder), base, format);
    const histories = await evolution();
    const tasks: Task[] = [];
    for await (const task of histories.tasks()) tasks.push(task);
    return evolutionTrack(own, tasks, await openCommitVectors(own, histories, base, progress), base, format);
  });

  const plan = (name: string, { track = 'static', seed = SEED, learning = {}, encoder = {} }: RunOptions) => {
    const method = methods.find((m) => m.name === name);
    if (!method) throw new UserError(`There is no method "${name}". Known: ${methods.map((m) => m.name).join(', ')}.`);
    if (!method.tracks.includes(track)) throw new UserError(`${name} answers on the ${method.tracks.join(' and ')} track only: choose another track or method.`);
    if ('published' in profile.corpus && Object.keys(encoder).length) {
      throw new UserError(`The published tables of ${profile.name} bring their vectors, so "encoder" changes nothing there: leave it out, or choose a profile that reads repositories.`);
    }
    const own = asRun(profile, { learning, encoder });
    const trainRepositories = method.settings && own.learning.trainRepositories;
    const choice: TrackChoice = { track, encoder, format: formatOf(method, own), ...(trainRepositories !== undefined && { trainRepositories }) };
    return { method, track, seed, own, choice, id: runId(method, track, seed, own) };
  };
  const stored = async (name: string, options: RunOptions): Promise<Run | undefined> => {
    const { id, track, own } = plan(name, options);
    return recompute && !finishedHere(id, track, own) ? undefined : readRun(results(own.name, 'runs', id));
  };
  const perform = async (name: string, options: RunOptions, report: Progress): Promise<Run> => {
    const { method, seed, own, choice, id } = plan(name, options);
    return once(`${profile.name} run ${id}`, async () => performRun(method, seed, own, await baseModel(), await trackData(choice), report));
  };
  const prepare = async (name: string, options: RunOptions): Promise<void> => {
    await trackData(plan(name, options).choice);
  };
  const run = (name: string, options: RunOptions = {}): Promise<Run> => stoppable(async () => (await stored(name, options)) ?? perform(name, options, progress));
  return {
    profile, run,
    corpus: () => stoppable(corpus), evolution: () => stoppable(evolution), baseModel: () => stoppable(baseModel),
    vectors: (encoder = {}) => stoppable(() => vectors(encoder)),
    prepare: (called, options = {}) => stoppable(() => prepare(called, options)),
    sweep: (runs, options) => stoppable(() => sweep(runs, {
      profile: name, recompute, progress,
      ids: ({ method: called, ...options }) => {
        const { method, track, seed, own, id } = plan(called, options);
        return { id, training: trainingId(method, track, seed, own) };
      },
      stored: ({ method, ...options }) => stored(method, options),
      prepare: ({ method, ...options }) => prepare(method, options),
      perform: ({ method, ...options }, report) => perform(method, options, report),
    }, options)),
    adapters: (called, contexts, options = {}) => stoppable(async () => {
      const { method, seed, own, choice } = plan(called, options);
      const inputs = methodInputs(await trackData(choice), await baseModel(), own, seed);
      return writeAdapters(method, own, inputs, contexts, progress);
    }),
    audit: (called, options = {}) => stoppable(async () => {
      const { method, seed, own, choice, id } = plan(called, options);
      return (recompute ? undefined : readAudit(id, own)) ?? audit(method, seed, own, await baseModel(), await trackData(choice), progress);
    }),
    predictions: (names, { seeds = [SEED], ...options } = {}) => stoppable(async () => {
      const all: Prediction[] = [];
      for (const seed of seeds) for (const name of names) all.push(...(await run(name, { ...options, seed })).predictions);
      return all;
    }),
  };
}

/** The same for all methods, unless the run asks for the authors' own of this one. */
function formatOf(method: Method, { learning, maxTokens }: Profile): PromptFormat {
  return method.publishedPrompt && learning.conditions === 'published' ? asPublished(maxTokens) : matched(maxTokens);
}
