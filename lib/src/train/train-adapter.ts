/**
 * Trains whatever writes adapters (a hypernetwork, or a single adapter itself) through a frozen model:
 * cross-entropy on the target's tokens and EOS, AdamW, linear warm-up and cosine decay, clipping, batches balanced by
 * repository, the checkpoint with the best loss on CR-validation tasks (paper §4.1). Resumable at every checkpoint.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AdamW } from '../engine/adamw.js';
import { toArray } from '../engine/arrays.js';
import { headLoss } from '../engine/ops.js';
import { optimiserState, restoreOptimiser } from '../engine/optimiser-state.js';
import { tf, tidy, type Tensor, type Tf } from '../engine/tensorflow.js';
import { toLowRank, type Adapter } from '../lora/adapter.js';
import { hiddenStates, type LowRankLayer } from '../model/transformer.js';
import type { Model } from '../model/weights.js';
import { UserError } from '../store/errors.js';
import type { Progress } from '../store/progress.js';
import { readSafetensors, writeSafetensors, type NamedArray } from '../store/safetensors.js';
import { toBatch, type Example } from './examples.js';
import { balancedStep } from './sampler.js';

export interface TrainConfig {
  steps: number;
  /** Each step: this many repositories, and this many tasks of each. */
  repositories: number;
  tasks: number;
  learningRate: number;
  warmupFraction: number;
  weightDecay: number;
  clip: number;
  /** Steps between measurements of the CR-validation loss. */
  validateEvery: number;
  seed: number;
}

/** What is trained: parameters, and how they become adapters for a list of repositories. */
export interface AdapterWriter {
  parameters: Tensor[];
  names: string[];
  /** One adapter for all (factors of rank 2) or one for each of `repos` (batched factors of rank 3). Differentiable. */
  write(parameters: Tensor[], repos: string[]): Adapter;
}

export interface LossPoint {
  step: number;
  /** Mean over the steps since the last point, nats a target token. */
  train: number;
  validation: number;
  gradientNorm: number;
}

export interface Trained {
  /** Values of the best checkpoint, named. */
  parameters: Map<string, NamedArray>;
  bestStep: number;
  losses: LossPoint[];
  /** All tokens that went through the model in training, padding included, and the time that took. */
  tokens: number;
  seconds: number;
}

interface State {
  losses: LossPoint[];
  best: number;
  bestStep: number;
  tokens: number;
  seconds: number;
  sums: { loss: number; norm: number; count: number };
}

/**
 * @param folder holds the checkpoint of an unfinished run
 * @param stage how progress is labelled
 */
export async function trainAdapter(
  model: Model, writer: AdapterWriter, train: Example[], validation: Example[], config: TrainConfig, pad: number,
  folder: string, stage: string, progress: Progress,
): Promise<Trained> {
  const byRepo = groupByRepo(train);
  const optimiser = new AdamW([...writer.parameters], {
    beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: config.weightDecay, clip: config.clip,
  });
  const path = join(folder, 'checkpoint.safetensors');
  let best = new Map<string, NamedArray>();
  let state: State = { losses: [], best: Infinity, bestStep: 0, tokens: 0, seconds: 0, sums: { loss: 0, norm: 0, count: 0 } };
  if (existsSync(path)) ({ state, best } = restore(path, optimiser, writer.names));
  const warmup = Math.max(1, Math.round(config.warmupFraction * config.steps));

  while (optimiser.step < config.steps) {
    const began = performance.now();
    const step = optimiser.step;
    const rate = config.learningRate * (step < warmup
      ? (step + 1) / warmup
      : 0.5 * (1 + Math.cos(Math.PI * (step - warmup) / (config.steps - warmup))));
    const drawn = balancedStep(byRepo, step, config.repositories, config.tasks, config.seed);
    const { loss, norm, tokens } = trainStep(model, writer, optimiser, drawn, rate, pad);
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
      throw new UserError(`${stage}: the loss is ${loss} and the gradient norm ${norm} at step ${step} ` +
        `(repositories ${drawn.map((d) => d.repo).join(', ')}): lower the learning rate and run again.`);
    }
    state.sums.loss += loss;
    state.sums.norm += norm;
    state.sums.count++;
    state.tokens += tokens;
    state.seconds += (performance.now() - began) / 1000;
    const measured = optimiser.step % config.validateEvery === 0 || optimiser.step === config.steps;
    if (measured) {
      const { loss: sum, norm: norms, count } = state.sums;
      const value = evaluateLoss(model, writer, optimiser.parameters, validation, pad);
      state.losses.push({ step: optimiser.step, train: sum / count, validation: value, gradientNorm: norms / count });
      state.sums = { loss: 0, norm: 0, count: 0 };
      if (value < state.best) {
        state.best = value;
        state.bestStep = optimiser.step;
        best = new Map(writer.names.map((n, i) => [n, toArray(optimiser.parameters[i]!)]));
      }
      save(path, optimiser, writer.names, best, state);
    }
    const last = state.losses.at(-1);
    progress({
      stage, done: optimiser.step, total: config.steps,
      note: `loss ${loss.toFixed(2)}${last ? `, validation ${last.validation.toFixed(3)}` : ''}, ${Math.round(state.tokens / state.seconds)} tokens/s`,
    });
    await new Promise(setImmediate);
  }
  optimiser.dispose();
  tf.dispose(optimiser.parameters);
  return { parameters: best, bestStep: state.bestStep, losses: state.losses, tokens: state.tokens, seconds: state.seconds };
}

/** Removes the checkpoint of a run whose result is stored. */
export function discardCheckpoint(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

export function groupByRepo(examples: readonly Example[]): Map<string, Example[]> {
  const out = new Map<string, Example[]>();
  for (const e of examples) {
    const list = out.get(e.task.repo);
    if (list) list.push(e);
    else out.set(e.task.repo, [e]);
  }
  return out;
}

function trainStep(
  model: Model, writer: AdapterWriter, optimiser: AdamW, drawn: { repo: string; items: Example[] }[], rate: number, pad: number,
): { loss: number; norm: number; tokens: number } {
  return tidy(() => {
    const batch = toBatch(drawn.flatMap((d) => d.items), pad);
    const repos = drawn.map((d) => d.repo);
    const { value, grads } = tf.valueAndGrads((...parameters: Tensor[]) => {
      const lora = toLowRank(writer.write(parameters, repos));
      return batchLoss(model, lora, batch.ids, batch.rows, batch.target, batch.weight);
    })(optimiser.parameters);
    return { loss: value.dataSync()[0]!, norm: optimiser.update(grads, rate), tokens: batch.ids.size };
  });
}

function batchLoss(model: Model, lora: LowRankLayer[], ids: Tensor, rows: Tensor, target: Tensor, weight: Tensor): Tf.Scalar {
  const states = tf.gather(hiddenStates(model, ids, { lora }), rows as Tf.Tensor1D);
  return headLoss(states, model.embed, target, weight, false) as Tf.Scalar;
}

/** Mean loss a target token over all examples, each repository under the adapter written for it. */
function evaluateLoss(model: Model, writer: AdapterWriter, parameters: Tensor[], examples: Example[], pad: number): number {
  let nats = 0, tokens = 0;
  for (const [repo, items] of groupByRepo(examples)) {
    nats += tidy(() => {
      const lora = toLowRank(writer.write(parameters, [repo]));
      const batch = toBatch(items, pad);
      tokens += batch.target.size;
      return batchLoss(model, lora, batch.ids, batch.rows, batch.target, batch.weight).dataSync()[0]! * batch.target.size;
    });
  }
  return nats / tokens;
}

function save(path: string, optimiser: AdamW, names: string[], best: Map<string, NamedArray>, state: State): void {
  const tensors = optimiserState(optimiser, names);
  for (const name of names) tensors.set(`best.${name}`, best.get(name)!);
  writeSafetensors(path, tensors, 'F32', { step: String(optimiser.step), state: JSON.stringify(state) });
}

function restore(path: string, optimiser: AdamW, names: string[]): { state: State; best: Map<string, NamedArray> } {
  const { tensors, metadata } = readSafetensors(path);
  restoreOptimiser(optimiser, names, tensors);
  optimiser.step = Number(metadata['step']);
  return {
    state: JSON.parse(metadata['state']!) as State,
    best: new Map(names.map((n) => [n, tensors.get(`best.${n}`)!])),
  };
}
