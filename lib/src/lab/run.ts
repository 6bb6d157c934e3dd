/**
 * Stage 5: one run = one method, one track, one seed: what it trained answers the evaluation tasks with each of its
 * adapters. Named by the hash of all that determines it; every finished part is stored, so a killed run goes on where
 * it was.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { sumOf, type LeftOut } from '../context/context.js';
import { device } from '../engine/tensorflow.js';
import { openParser } from '../data/python.js';
import type { EncoderConfig } from '../encoder/repository-vector.js';
import { likelihoods } from '../eval/likelihood.js';
import { predict, score } from '../eval/predict.js';
import { likelihoodsTable, predictionsTable, readLikelihoods, readPredictions, writeLikelihoods, writePredictions } from '../eval/predictions-parquet.js';
import type { Likelihood, Prediction, Suite } from '../eval/types.js';
import { adapterTensors, disposeAdapter } from '../lora/adapter.js';
import type { Answers, Method, MethodInputs, Track } from '../methods/method.js';
import type { LearningConfig, Profile } from '../profiles.js';
import { writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import { locked } from '../store/lock.js';
import type { Progress } from '../store/progress.js';
import { storedJson } from '../store/stored-json.js';
import { areWhole, isWhole, sayDamaged, seal } from '../store/sums.js';
import type { LossPoint } from '../train/trainer.js';
import type { Example } from '../train/examples.js';
import { answerTasks } from './answering.js';
import type { BaseModel } from './base-model.js';
import { baseKey, corpusKey, evolutionKey, likelihoodKey, runId, trainingId } from './keys.js';
import { methodInputs, tasksOfStep } from './method-inputs.js';
import { cacheOf, results } from './paths.js';
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
  /** The frozen model, by the name that it was opened by. */
  model?: string;
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
  /** Exposures: how often it has met each of its training tasks by the last step, on average; the step that is kept may be an earlier one, but for `learning.keptAfter`. */
  passes?: number;
  /** Repositories that it was trained on. */
  trainRepositories?: number;
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
  /** None in runs of before they were taken, until `performRun` completes them. */
  likelihoods: Likelihood[];
}

const RECORD = 'run.json', PREDICTIONS = 'predictions.parquet', LIKELIHOODS = 'likelihoods.parquet';

/** A file of a run that holds other bytes than were written. */
const damagedOf = (folder: string): string | undefined => [RECORD, PREDICTIONS, LIKELIHOODS].find((name) => isWhole(folder, name) === false);

/** The record, predictions and likelihoods of a finished run, or undefined. Throws a UserError when a file is damaged. */
export async function readRun(folder: string): Promise<Run | undefined> {
  if (!existsSync(join(folder, RECORD))) return undefined;
  const record = storedJson(join(folder, RECORD)) as RunRecord | undefined, damaged = damagedOf(folder) ?? (typeof record?.id === 'string' ? undefined : RECORD);
  if (damaged !== undefined) throw new UserError(`${join(folder, damaged)} is damaged: restore it with "git checkout", or delete its folder and make the run again.`);
  const table = join(folder, LIKELIHOODS);
  return { record: record!, predictions: await readPredictions(join(folder, PREDICTIONS)), likelihoods: existsSync(table) ? await readLikelihoods(table) : [] };
}

/** Finishes the run and writes it to `results/<profile>/runs/<id>`; one process at a time. */
export function performRun(
  method: Method, seed: number, profile: Profile, base: BaseModel, data: TrackData, progress: Progress,
): Promise<Run> {
  const id = runId(method, data.track, seed, profile);
  return locked(cacheOf(profile.name, 'runs', id), `answering with ${method.name}`, progress, () => finish(id, method, seed, profile, base, data, progress));
}

async function finish(
  id: string, method: Method, seed: number, profile: Profile, base: BaseModel, data: TrackData, progress: Progress,
): Promise<Run> {
  const inputs = methodInputs(data, base, profile, seed);
  const made = await trained(method, profile, inputs, progress);
  const { predictions, likelihoods, seconds, adapterBytes, addedTokens, leftOut } = await answered(id, method, seed, profile, base, data, inputs, made, progress);
  const record: RunRecord = {
    id, method: method.name, track: data.track, profile: profile.name, seed, model: base.name,
    inputs: {
      tasks: data.track === 'static' ? corpusKey(profile) : evolutionKey(profile), base: baseKey(profile),
      trained: trainingId(method, data.track, seed, profile) ?? null,
    },
    learning: made ? profile.learning : null, settings: method.settings?.(profile.learning, data.track) ?? null, maxTokens: profile.maxTokens,
    contextTokens: method.answerSettings ? profile.contextTokens : 0, evaluated: profile.evaluated[data.track],
    versions: versions(), device: device(),
    trainedParameters: made ? [...made.values.values()].reduce((n, v) => n + v.data.length, 0) : 0,
    bestStep: made?.bestStep ?? 0, losses: made?.losses ?? [], ...(made && { passes: made.passes ?? passesOf(profile, data, made.losses.at(-1)?.step ?? 0), trainRepositories: made.repositories ?? data.trainContexts.length }), trainSeconds: made?.seconds ?? 0,
    trainTokensPerSecond: made ? Math.round(made.tokens / made.seconds) : 0,
    evaluateSeconds: seconds, adapterBytes, addedTokens, leftOut, encoder: profile.encoder, predictions: predictions.length, oversize: data.oversize,
  };
  const folder = results(profile.name, 'runs', id), run: Run = { record, predictions, likelihoods }, damaged = damagedOf(folder);
  if (damaged !== undefined) sayDamaged(join(folder, damaged), progress);
  const before = await sameRun(folder, run);
  if (!before) {
    // Without its record the run counts as not made: so it is, while files of two runs could be there.
    rmSync(join(folder, RECORD), { force: true });
    writePredictions(join(folder, PREDICTIONS), predictions);
    writeLikelihoods(join(folder, LIKELIHOODS), likelihoods);
    writeRecord(folder, record);
  } else if (Object.keys(record).some((key) => !(key in before.record))) {
    // What later versions record is added; the rest stays as whoever made the run wrote it.
    before.record = { ...record, ...before.record };
    writeRecord(folder, before.record);
  }
  writeFileAtomic(doneHere(id, profile), likelihoodKey(data.track, profile));
  return before ?? run;
}

/** Last, since its presence says that the run is there. */
function writeRecord(folder: string, record: RunRecord): void {
  writeFileAtomic(join(folder, RECORD), `${JSON.stringify(record, null, 2)}\n`);
  seal(folder, [RECORD, PREDICTIONS, LIKELIHOODS]);
}

/** Exposures by the step that is kept, which may lie before the last; undefined of what trains nothing, and in records of earlier versions. */
export function passesKept({ passes, learning, bestStep, losses }: Pick<RunRecord, 'passes' | 'learning' | 'bestStep' | 'losses'>): number | undefined {
  const last = losses.at(-1)?.step;
  return passes === undefined || last === undefined ? undefined : learning?.keptAfter ?? (passes * bestStep) / last;
}

/** Tasks that so many steps draw, over all training tasks. */
function passesOf({ learning }: Profile, data: TrackData, steps: number): number {
  return learning.keptAfter ?? (steps * tasksOfStep(data, learning)) / data.train.length;
}

/** Nats a token, on average, by which likelihoods of the same run may differ that two processors have taken: rounding, grown in training. */
const ROUNDING = 2e-3;

/**
 * The stored run where it has the same predictions to the letter, and the same likelihoods but for rounding: it stays, with the
 * seconds and the device of whoever made it.
 */
async function sameRun(folder: string, { predictions, likelihoods }: Run): Promise<Run | undefined> {
  const stored = await readRun(folder).catch(() => undefined);
  if (!stored || !sameBytes(withoutNats(stored.predictions), withoutNats(predictions))) return undefined;
  if (!sameBytes(likelihoodsTable(stored.likelihoods.map(withoutValues)), likelihoodsTable(likelihoods.map(withoutValues)))) return undefined;
  const tokens = likelihoods.reduce((n, row) => n + row.targetTokens, 0);
  const apart = likelihoods.reduce((n, row, i) => n + Math.abs(row.targetNats - stored.likelihoods[i]!.targetNats), 0);
  return apart <= ROUNDING * tokens ? stored : undefined;
}
const withoutNats = (rows: readonly Prediction[]): Uint8Array => predictionsTable(rows.map(({ targetNats: _, targetTokens: __, eosNats: ___, ...row }) => row));
const withoutValues = (row: Likelihood): Likelihood => ({ ...row, targetNats: 0, eosNats: 0 });
const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b);

const doneHere = (id: string, profile: Profile): string => cacheOf(profile.name, 'runs', id, 'done');

/** True when this machine's cache has finished the run (a committed result alone does not count) and its result is not damaged. */
export function finishedHere(id: string, track: Track, profile: Profile): boolean {
  const path = doneHere(id, profile), folder = results(profile.name, 'runs', id);
  return existsSync(path) && readFileSync(path, 'utf8') === likelihoodKey(track, profile) && damagedOf(folder) === undefined;
}

interface AllAnswers extends Pick<RunRecord, 'adapterBytes' | 'addedTokens' | 'leftOut'> {
  predictions: Prediction[];
  likelihoods: Likelihood[];
  seconds: number;
}

/** Every adapter on every suite, decoded and scored; each such part is a file of its own until the run is whole. */
async function answered(
  id: string, method: Method, seed: number, profile: Profile, base: BaseModel, data: TrackData, inputs: MethodInputs,
  made: Awaited<ReturnType<typeof trained>>, progress: Progress,
): Promise<AllAnswers> {
  await openParser();
  const asked = (suites: ReadonlyMap<Suite, Example[]>) => [...suites].filter(([suite]) => suite === 'IR' || !method.inRepositoryOnly)
    .map(([suite, list]) => [suite, method.asks ? list.filter((e) => method.asks!(e, data.repositoryTasks(e.task.repo))) : list] as const)
    .filter(([, list]) => list.length);
  // A repository that is alone in its split has no other.
  const hasOther = (e: Example) => data.otherThan(data.contextOf(e)).repo !== e.task.repo;
  const parts = method.adapters(data.track).flatMap((adapter) => [
    ...asked(data.suites).map(([suite, list]) => ({ adapter, suite, list, what: 'predictions' as const })),
    ...asked(data.scored).map(([suite, list]) => ({ adapter, suite, list, what: 'likelihoods' as const })),
  ].map((part) => (adapter === 'other' ? { ...part, list: part.list.filter(hasOther) } : part)).filter(({ list }) => list.length));
  const total = parts.reduce((n, p) => n + p.list.length, 0), decoded = parts.reduce((n, p) => n + (p.what === 'predictions' ? p.list.length : 0), 0);
  const stage = `answering with ${method.name}`, { tokenizer } = base, folder = cacheOf(profile.name, 'runs', id);
  const answers = await method.answers(inputs, made);
  const out: AllAnswers = { predictions: [], likelihoods: [], seconds: 0, adapterBytes: bytesOf(answers, data), addedTokens: 0, leftOut: {} };
  let done = 0;
  try {
    for (const { adapter, suite, list, what } of parts) {
      const file = `${what}-${what === 'likelihoods' ? `${likelihoodKey(data.track, profile)}-` : ''}${adapter}-${suite}.parquet`, path = join(folder, file), cost = `${file}.json`;
      const of = { track: data.track, suite, method: method.name, adapter, seed }, before = done;
      const tick = (n: number) => progress({ stage, done: done += n, total, note: `${suite}, ${adapter === 'none' ? 'no adapter' : `${adapter} adapter`}` });
      if (what === 'likelihoods') {
        if (!areWhole(folder, [file], progress)) {
          const { results: nats } = await answerTasks(answers, adapter, list, data, base, profile.contextTokens,
            (model, examples, onDone, adapted) => likelihoods(model, examples, tokenizer, onDone, adapted), tick);
          writeLikelihoods(path, [...nats].map(([{ task: { id: taskId, repo, commitIndex } }, own]) => ({ taskId, repo, commitIndex, ...of, ...own })));
          seal(folder, [file]);
        }
        out.likelihoods.push(...(await readLikelihoods(path)));
      } else {
        if (!areWhole(folder, [file, cost], progress) || storedJson(join(folder, cost)) === undefined) {
          const began = performance.now();
          const { results: texts, ...text } = await answerTasks(answers, adapter, list, data, base, profile.contextTokens,
            (model, examples, onDone, adapted) => predict(model, examples, tokenizer, profile.maxNewTokens, onDone, adapted), tick);
          writeFileAtomic(join(folder, cost), JSON.stringify({ seconds: (performance.now() - began) / 1000, ...text } satisfies Cost));
          writePredictions(path, [...texts].map(([example, text]) => score(example, text, of)));
          seal(folder, [file, cost]);
        }
        const took = storedJson(join(folder, cost)) as Cost;
        out.seconds += took.seconds;
        out.addedTokens += took.addedTokens / decoded;
        out.leftOut = sumOf([out.leftOut, took.leftOut]);
        out.predictions.push(...(await readPredictions(path)));
      }
      done = before + list.length;
      progress({ stage, done, total, note: suite });
    }
  } finally {
    answers.dispose();
  }
  const keyOf = ({ adapter, suite, taskId }: Pick<Prediction, 'adapter' | 'suite' | 'taskId'>) => JSON.stringify([adapter, suite, taskId]);
  const nats = new Map(out.likelihoods.map((row) => [keyOf(row), row]));
  const withNats = out.predictions.map((p): Prediction => {
    const { targetNats, targetTokens, eosNats } = nats.get(keyOf(p))!;
    return { ...p, targetNats, targetTokens, eosNats };
  });
  return { ...out, predictions: withNats };
}

/** What one part took: seconds, tokens before its prompts in all, and what these texts could not hold. */
interface Cost {
  seconds: number;
  addedTokens: number;
  leftOut: LeftOut;
}

function bytesOf(answers: Answers, data: TrackData): number {
  const context = data.trainContexts.find(({ repo }) => data.inRepository.has(repo)) ?? data.trainContexts[0];
  const adapter = context && answers.adapter?.(context);
  if (!adapter) return 0;
  const values = adapterTensors(adapter).reduce((n, t) => n + t.size, 0);
  disposeAdapter(adapter);
  return 4 * values;
}

function versions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  return { node: process.version, tfjs: (require('@tensorflow/tfjs-node-gpu/package.json') as { version: string }).version };
}
