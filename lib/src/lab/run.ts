/**
 * Stage 5: one run = one method, one track, one seed: what it trained answers the evaluation tasks with each of its
 * adapters. Named by the hash of all that determines it; every finished part is stored, so a killed run goes on where
 * it was.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { sumOf, type LeftOut } from '../context/context.js';
import { device } from '../engine/tensorflow.js';
import { openParser } from '../data/python.js';
import type { EncoderConfig } from '../encoder/repository-vector.js';
import { score } from '../eval/predict.js';
import { predictionsTable, readPredictions, writePredictions } from '../eval/predictions-parquet.js';
import type { Prediction, Suite } from '../eval/types.js';
import { adapterTensors, disposeAdapter } from '../lora/adapter.js';
import type { Answers, Method, MethodInputs, Track } from '../methods/method.js';
import type { LearningConfig, Profile } from '../profiles.js';
import { writeFileAtomic } from '../store/atomic.js';
import type { Progress } from '../store/progress.js';
import type { LossPoint } from '../train/trainer.js';
import type { Example } from '../train/examples.js';
import { answerTasks } from './answering.js';
import type { BaseModel } from './base-model.js';
import { baseKey, corpusKey, evolutionKey, runId, trainingId } from './keys.js';
import { methodInputs } from './method-inputs.js';
import { cache, results } from './paths.js';
import type { TrackData } from './track-data.js';
import { trained } from './training.js';

/** What a run may have in place of the profile's. */
export interface RunOptions {
  /** `static` when absent. */
  track?: Track;
  seed?: number;
  /** Settings of training that differ from the profile's. */
  learning?: Partial<LearningConfig>;
  /** How repositories are read, where it differs from the profile's: another pooling, fewer files. */
  encoder?: Partial<EncoderConfig>;
}

/** All that is needed to repeat or to cite a run: `run.json`. */
export interface RunRecord {
  id: string;
  method: string;
  track: Track;
  profile: string;
  seed: number;
  /** Hashes of the tasks, the frozen model and what was trained. */
  inputs: { tasks: string; base: string; trained: string | null };
  learning: LearningConfig | null;
  /** Of these, what the method's training depends on, with the head that it really has. */
  settings: object | null;
  maxTokens: number;
  contextTokens: number;
  evaluated: Profile['evaluated'][Track];
  versions: Record<string, string>;
  device: string;
  trainedParameters: number;
  bestStep: number;
  losses: LossPoint[];
  trainSeconds: number;
  trainTokensPerSecond: number;
  evaluateSeconds: number;
  /** Of one context's adapter in fp32; 0 where there is none. */
  adapterBytes: number;
  /** Mean tokens of the text before a prompt, over all tasks. */
  addedTokens: number;
  /** What the texts before the prompts could not hold, by reason. */
  leftOut: LeftOut;
  /** How repositories were read. */
  encoder: Profile['encoder'];
  predictions: number;
  /** Training tasks whose target leaves no room for a prefix. */
  oversize: number;
}

export interface Run {
  record: RunRecord;
  predictions: Prediction[];
}

/** The record and predictions of a finished run, or undefined. */
export async function readRun(folder: string): Promise<Run | undefined> {
  if (!existsSync(join(folder, 'run.json'))) return undefined;
  const record = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as RunRecord;
  return { record, predictions: await readPredictions(join(folder, 'predictions.parquet')) };
}

/** Finishes the run and writes it to `results/<profile>/runs/<id>`. */
export async function performRun(
  method: Method, seed: number, profile: Profile, base: BaseModel, data: TrackData, progress: Progress,
): Promise<Run> {
  const id = runId(method, data.track, seed, profile);
  const inputs = methodInputs(data, base, profile, seed);
  const made = await trained(method, profile, inputs, progress);
  const { predictions, seconds, adapterBytes, addedTokens, leftOut } = await answered(id, method, seed, profile, base, data, inputs, made, progress);
  const record: RunRecord = {
    id, method: method.name, track: data.track, profile: profile.name, seed,
    inputs: {
      tasks: data.track === 'static' ? corpusKey(profile) : evolutionKey(profile), base: baseKey(profile),
      trained: trainingId(method, data.track, seed, profile) ?? null,
    },
    learning: made ? profile.learning : null, settings: method.settings?.(profile.learning, data.track) ?? null, maxTokens: profile.maxTokens,
    contextTokens: method.answerSettings ? profile.contextTokens : 0, evaluated: profile.evaluated[data.track],
    versions: versions(), device: device(),
    trainedParameters: made ? [...made.values.values()].reduce((n, v) => n + v.data.length, 0) : 0,
    bestStep: made?.bestStep ?? 0, losses: made?.losses ?? [], trainSeconds: made?.seconds ?? 0,
    trainTokensPerSecond: made ? Math.round(made.tokens / made.seconds) : 0,
    evaluateSeconds: seconds, adapterBytes, addedTokens, leftOut, encoder: profile.encoder, predictions: predictions.length, oversize: data.oversize,
  };
  const folder = results(profile.name, 'runs', id), table = predictionsTable(predictions);
  const before = await sameRun(folder, table);
  if (!before) {
    writeFileAtomic(join(folder, 'predictions.parquet'), table);
    writeFileAtomic(join(folder, 'run.json'), `${JSON.stringify(record, null, 2)}\n`);
  }
  writeFileAtomic(doneHere(id, profile), '');
  return before ?? { record, predictions };
}

/** The stored run where it has these very predictions: it stays, with the seconds and the device of whoever made it. */
async function sameRun(folder: string, table: Uint8Array): Promise<Run | undefined> {
  const path = join(folder, 'predictions.parquet');
  if (!existsSync(path) || !readFileSync(path).equals(table)) return undefined;
  return readRun(folder).catch(() => undefined);
}

const doneHere = (id: string, profile: Profile): string => cache(profile.name, 'runs', id, 'done');

/** True when this machine's cache has finished the run (a committed result alone does not count). */
export function finishedHere(id: string, profile: Profile): boolean {
  return existsSync(doneHere(id, profile));
}

interface Answered extends Pick<RunRecord, 'adapterBytes' | 'addedTokens' | 'leftOut'> {
  predictions: Prediction[];
  seconds: number;
}

/** Every adapter on every suite; each such part is a file of its own until the run is whole. */
async function answered(
  id: string, method: Method, seed: number, profile: Profile, base: BaseModel, data: TrackData, inputs: MethodInputs,
  made: Awaited<ReturnType<typeof trained>>, progress: Progress,
): Promise<Answered> {
  await openParser();
  const suites = [...data.suites].filter(([suite]) => suite === 'IR' || !method.inRepositoryOnly);
  const parts = method.adapters(data.track).flatMap((adapter) => suites.map(([suite, list]) => ({ adapter, suite, list })));
  const total = parts.reduce((n, p) => n + p.list.length, 0), stage = `answering with ${method.name}`;
  const answers = await method.answers(inputs, made);
  const predictions: Prediction[] = [];
  const adapterBytes = bytesOf(answers, data);
  let done = 0, seconds = 0, addedTokens = 0, leftOut: LeftOut = {};
  try {
    for (const { adapter, suite, list } of parts) {
      const path = cache(profile.name, 'runs', id, `predictions-${adapter}-${suite}.parquet`);
      const before = done, cost = `${path}.json`;
      if (!existsSync(path)) {
        const began = performance.now();
        let answeredHere = 0;
        const { texts, ...text } = await answerTasks(answers, adapter, list, data, base, profile, (n) =>
          progress({ stage, done: before + (answeredHere += n), total, note: `${suite}, ${adapter === 'none' ? 'no adapter' : `${adapter} adapter`}` }));
        // Before the answers, so that whoever finds these finds what they took.
        writeFileAtomic(cost, JSON.stringify({ seconds: (performance.now() - began) / 1000, ...text } satisfies Cost));
        writePredictions(path, rowsOf(texts, { track: data.track, suite, method: method.name, adapter, seed }));
      }
      const took = JSON.parse(readFileSync(cost, 'utf8')) as Cost;
      seconds += took.seconds;
      addedTokens += took.addedTokens / total;
      leftOut = sumOf([leftOut, took.leftOut]);
      done += list.length;
      progress({ stage, done, total, note: suite });
      predictions.push(...(await readPredictions(path)));
    }
  } finally {
    answers.dispose();
  }
  return { predictions, seconds, adapterBytes, addedTokens, leftOut };
}

/** What one part took: seconds, tokens before its prompts in all, and what these texts could not hold. */
interface Cost {
  seconds: number;
  addedTokens: number;
  leftOut: LeftOut;
}

function bytesOf(answers: Answers, data: TrackData): number {
  const context = data.trainContexts.find(({ repo }) => data.inRepository.has(repo));
  const adapter = context && answers.adapter?.(context);
  if (!adapter) return 0;
  const values = adapterTensors(adapter).reduce((n, t) => n + t.size, 0);
  disposeAdapter(adapter);
  return 4 * values;
}

function rowsOf(
  texts: ReadonlyMap<Example, string>, of: Pick<Prediction, 'track' | 'method' | 'adapter' | 'seed'> & { suite: Suite },
): Prediction[] {
  return [...texts].map(([example, text]) => score(example, text, of));
}

function versions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  return { node: process.version, tfjs: (require('@tensorflow/tfjs-node-gpu/package.json') as { version: string }).version };
}
