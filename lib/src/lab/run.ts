/**
 * Stage 4: one run = one method, one seed: train, then answer the evaluation tasks with each of its adapters. Named by
 * the hash of all that determines it; every finished part is stored, so a killed run goes on where it was.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { toTensor } from '../engine/arrays.js';
import { device, tf, tidy, type Tensor } from '../engine/tensorflow.js';
import { predict, score } from '../eval/predict.js';
import { readPredictions, writePredictions } from '../eval/predictions-parquet.js';
import type { Prediction } from '../eval/types.js';
import { averageAdapters, disposeAdapter, disposeMerged, merge, unstack, type Adapter } from '../lora/adapter.js';
import type { Method } from '../methods/index.js';
import type { Profile } from '../profiles.js';
import { writeFileAtomic } from '../store/atomic.js';
import type { Progress } from '../store/progress.js';
import { Random } from '../store/random.js';
import { readSafetensors, writeSafetensors } from '../store/safetensors.js';
import { toExamples, type Example } from '../train/examples.js';
import { discardCheckpoint, groupByRepo, trainAdapter, type AdapterWriter, type LossPoint } from '../train/train-adapter.js';
import type { BaseModel } from './base-model.js';
import type { Corpus } from './corpus.js';
import { baseKey, corpusKey, runId, vectorsKey } from './keys.js';
import { cache, results } from './paths.js';
import type { Vectors } from './vectors.js';

/** All that is needed to repeat or to cite a run: `run.json`. */
export interface RunRecord {
  id: string;
  method: string;
  profile: string;
  seed: number;
  /** Hashes of the tasks, the frozen model and the repository vectors that the run was made from. */
  inputs: { corpus: string; base: string; vectors: string };
  learning: Profile['learning'] | null;
  maxTokens: number;
  evaluated: Profile['evaluated'];
  versions: Record<string, string>;
  device: string;
  trainedParameters: number;
  bestStep: number;
  losses: LossPoint[];
  trainSeconds: number;
  trainTokensPerSecond: number;
  evaluateSeconds: number;
  predictions: number;
  /** Tasks whose target leaves no room for a prefix. */
  oversize: number;
}

export interface Run {
  record: RunRecord;
  predictions: Prediction[];
}

export interface Inputs {
  profile: Profile;
  corpus: Corpus;
  base: BaseModel;
  vectors: Vectors;
}

/** The record and predictions of a finished run, or undefined. */
export async function readRun(folder: string): Promise<Run | undefined> {
  if (!existsSync(join(folder, 'run.json'))) return undefined;
  const record = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as RunRecord;
  return { record, predictions: await readPredictions(join(folder, 'predictions.parquet')) };
}

/** Finishes the run and writes it to `results/<profile>/runs/<id>`. */
export async function performRun(method: Method, seed: number, inputs: Inputs, progress: Progress): Promise<Run> {
  const { profile, corpus, base, vectors } = inputs;
  const id = runId(method, seed, profile);
  const work = cache(profile.name, 'runs', id);
  const tasksOf = pickTasks(corpus, profile);
  const examples = (tasks: Corpus['tasks']) => toExamples(tasks, base.tokenizer, profile.maxTokens);
  const train = examples(corpus.tasks.filter((t) => t.split === 'train' && t.inRepoSplit === 'train'));
  const validation = examples(tasksOf.validation);
  const cr = examples(tasksOf.cr), ir = examples(tasksOf.ir);

  const writer = method.writer?.({ model: base, vectors, learning: profile.learning, seed });
  const trained = writer && (await trainOrLoad(method, writer, seed, inputs, train.examples, validation.examples, work, progress));
  const adapters = trained && makeAdapters(writer, trained.parameters, corpus);

  const began = performance.now();
  const predictions: Prediction[] = [];
  const parts = method.adapters.flatMap((adapter) => ([['CR', cr.examples], ['IR', ir.examples]] as const).map(([suite, list]) => ({ adapter, suite, list })));
  const total = parts.reduce((n, p) => n + p.list.length, 0);
  const stage = `answering with ${method.name}`;
  let done = 0;
  for (const { adapter, suite, list } of parts) {
    const path = join(work, `predictions-${adapter}-${suite}.parquet`);
    if (!existsSync(path)) {
      const before = done;
      const rows = answer(base, list, adapters ? (repo) => adapters.choose(adapter, repo) : undefined, profile.maxNewTokens, (n) =>
        progress({ stage, done: before + n, total, note: `${suite}, ${adapter === 'none' ? 'no adapter' : `${adapter} adapter`}` }));
      writePredictions(path, rows.map(([example, text]) => score(example, text, { suite, method: method.name, adapter, seed })));
    }
    done += list.length;
    progress({ stage, done, total, note: suite });
    predictions.push(...(await readPredictions(path)));
    await new Promise(setImmediate);
  }
  adapters?.dispose();

  const record: RunRecord = {
    id, method: method.name, profile: profile.name, seed,
    inputs: { corpus: corpusKey(profile), base: baseKey(profile), vectors: vectorsKey(profile) },
    learning: writer ? profile.learning : null, maxTokens: profile.maxTokens, evaluated: profile.evaluated,
    versions: versions(), device: device(),
    trainedParameters: writer ? writer.parameters.reduce((n, p) => n + p.size, 0) : 0,
    bestStep: trained?.info.bestStep ?? 0, losses: trained?.info.losses ?? [],
    trainSeconds: trained?.info.seconds ?? 0,
    trainTokensPerSecond: trained ? Math.round(trained.info.tokens / trained.info.seconds) : 0,
    evaluateSeconds: (performance.now() - began) / 1000, predictions: predictions.length,
    oversize: train.oversize + validation.oversize + cr.oversize + ir.oversize,
  };
  const folder = results(profile.name, 'runs', id);
  writePredictions(join(folder, 'predictions.parquet'), predictions);
  writeFileAtomic(join(folder, 'run.json'), `${JSON.stringify(record, null, 2)}\n`);
  writeFileAtomic(join(work, 'done'), '');
  discardCheckpoint(join(work, 'training'));
  return { record, predictions };
}

/** True when this machine's cache has finished the run (a committed result alone does not count). */
export function finishedHere(method: Method, seed: number, profile: Profile): boolean {
  return existsSync(cache(profile.name, 'runs', runId(method, seed, profile), 'done'));
}

/** The tasks evaluated of each repository: the first of a seeded order, the same for every method. */
function pickTasks(corpus: Corpus, { evaluated, curation }: Profile): Record<'cr' | 'ir' | 'validation', Corpus['tasks']> {
  const first = (tasks: Corpus['tasks'], n: number) => {
    const byRepo = new Map<string, Corpus['tasks']>();
    for (const t of tasks) byRepo.set(t.repo, [...(byRepo.get(t.repo) ?? []), t]);
    return [...byRepo.values()].flatMap((list) => new Random(curation.seed).shuffle(list).slice(0, n));
  };
  return {
    cr: first(corpus.tasks.filter((t) => t.split === 'cr_test'), evaluated.cr),
    ir: first(corpus.tasks.filter((t) => t.split === 'train' && t.inRepoSplit === 'test'), evaluated.ir),
    validation: first(corpus.tasks.filter((t) => t.split === 'cr_val'), evaluated.validation),
  };
}

type TrainingInfo = { bestStep: number; losses: LossPoint[]; tokens: number; seconds: number };

async function trainOrLoad(
  method: Method, writer: AdapterWriter, seed: number, { profile, base }: Inputs, train: Example[], validation: Example[],
  work: string, progress: Progress,
): Promise<{ parameters: Tensor[]; info: TrainingInfo }> {
  const path = join(work, 'trained.safetensors');
  if (!existsSync(path)) {
    const { learning } = profile;
    const { parameters, ...info } = await trainAdapter(base, writer, train, validation, {
      ...learning, learningRate: method.learningRate!(learning), seed,
    }, base.tokenizer.eos, join(work, 'training'), `training ${method.name}`, progress);
    writeSafetensors(path, parameters, 'F32', { info: JSON.stringify(info) });
  }
  const { tensors, metadata } = readSafetensors(path);
  return { parameters: writer.names.map((n) => toTensor(tensors.get(n)!)), info: JSON.parse(metadata['info']!) as TrainingInfo };
}

interface Adapters {
  choose(kind: Prediction['adapter'], repo: string): Adapter;
  dispose(): void;
}

/**
 * The adapters a trained writer gives. One that serves all repositories alike is all there is; otherwise: one's own; another repository's (the next one of the same split, so both are
 * equally new to the method); and the average over the training repositories.
 */
function makeAdapters(writer: AdapterWriter, parameters: Tensor[], corpus: Corpus): Adapters {
  const splits = new Map(corpus.tasks.map((t) => [t.repo, t.split]));
  const repos = [...splits.keys()].sort();
  const first = tidy(() => writer.write(parameters, [repos[0]!]));
  if (first.layers[0]!.q_proj.a.rank === 2) return { choose: () => first, dispose: () => tf.dispose(parameters) };
  disposeAdapter(first);
  const own = new Map(repos.map((repo) => {
    const written = tidy(() => writer.write(parameters, [repo]));
    const [one] = unstack(written);
    disposeAdapter(written);
    return [repo, one!];
  }));
  const same = (repo: string) => repos.filter((r) => splits.get(r) === splits.get(repo));
  const average = averageAdapters(repos.filter((r) => splits.get(r) === 'train').map((r) => own.get(r)!));
  return {
    choose: (kind, repo) => {
      if (kind === 'average') return average;
      const peers = same(repo);
      return own.get(kind === 'own' ? repo : peers[(peers.indexOf(repo) + 1) % peers.length]!)!;
    },
    dispose: () => {
      disposeAdapter(average);
      for (const a of own.values()) disposeAdapter(a);
      tf.dispose(parameters);
    },
  };
}

/** Tasks of repositories that share an adapter are answered together. */
function answer(
  base: BaseModel, examples: Example[], choose: ((repo: string) => Adapter) | undefined, maxNewTokens: number, tick: (done: number) => void,
): [Example, string][] {
  const groups = new Map<Adapter | undefined, Example[]>();
  for (const [repo, list] of groupByRepo(examples)) {
    const adapter = choose?.(repo);
    groups.set(adapter, [...(groups.get(adapter) ?? []), ...list]);
  }
  const out: [Example, string][] = [];
  let done = 0;
  for (const [adapter, list] of groups) {
    const model = adapter ? merge(base, adapter) : base;
    predict(model, list, base.tokenizer, maxNewTokens, (n) => tick((done += n))).forEach((text, i) => out.push([list[i]!, text]));
    if (adapter) disposeMerged(model, base);
  }
  return out;
}

function versions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  return { node: process.version, tfjs: (require('@tensorflow/tfjs-node-gpu/package.json') as { version: string }).version };
}
