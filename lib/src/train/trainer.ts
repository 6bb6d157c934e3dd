/**
 * The training loop of every method: AdamW with clipping, a schedule, measurements of the CR-validation loss, the best
 * parameters kept, early stopping, a log, and checkpoints at each measurement. Resumed, it ends with the same bits.
 */
import { join } from 'node:path';
import { AdamW } from '../engine/adamw.js';
import { tf } from '../engine/tensorflow.js';
import { writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import type { Progress } from '../store/progress.js';
import type { NamedArray } from '../store/safetensors.js';
import { Checkpoints } from './checkpoints.js';
import type { Sampler } from './draws.js';
import type { Learner } from './learner.js';
import { learningRate, type ScheduleConfig } from './schedule.js';

export interface TrainConfig extends ScheduleConfig {
  weightDecay: number;
  /** Gradients are scaled down to this global norm. */
  clip: number;
  /** Steps between measurements of the CR-validation loss. */
  validateEvery: number;
  /** Stop after so many measurements without a new best; never when absent, nor where `passes` says how long. */
  patience?: number;
  /** Passes over the training tasks that `steps` are: the parameters after some of them are kept, whichever are the best. */
  passes?: number;
  /** Seconds between checkpoints where measurements are further apart; 300 when absent. */
  checkpointSeconds?: number;
}

export interface LossPoint {
  step: number;
  /** Mean over the steps since the last point, nats a target token. */
  train: number;
  validation: number;
  gradientNorm: number;
}

export interface Trained {
  /** Values of the best measurement, named. */
  parameters: Map<string, NamedArray>;
  bestStep: number;
  losses: LossPoint[];
  /** All tokens that went through the model in training, padding included, and the time that took. */
  tokens: number;
  seconds: number;
}

interface State {
  losses: LossPoint[];
  bestStep: number;
  tokens: number;
  seconds: number;
  /** Of the steps since the last point. */
  sums: { loss: number; norm: number; count: number };
}

/** Where measurements are far apart a checkpoint is made after so long all the same. */
const CHECKPOINT_SECONDS = 300;

/**
 * @param folder holds the log and the checkpoints of an unfinished run, and what was kept after whole passes
 * @param stage how progress is labelled
 * Throws a UserError that names the step and its repositories when a loss or gradient is not finite.
 */
export async function train(
  learner: Learner, sampler: Sampler, config: TrainConfig, folder: string, stage: string, progress: Progress,
): Promise<Trained> {
  const optimiser = new AdamW([...learner.parameters], {
    beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: config.weightDecay, clip: config.clip,
  });
  const checkpoints = new Checkpoints<State>(folder, optimiser, learner.names);
  const none = { loss: 0, norm: 0, count: 0 };
  const state: State = { losses: [], bestStep: 0, tokens: 0, seconds: 0, sums: none, ...checkpoints.restore() };
  let saved = Date.now();

  try {
    while (optimiser.step < config.steps && !exhausted(state, config)) {
      const began = performance.now();
      const { step } = optimiser;
      const draw = sampler(step);
      const { loss, gradients, tokens } = learner.gradients(optimiser.parameters, draw);
      const norm = Number.isFinite(loss) ? optimiser.update(gradients, learningRate(config, step)) : Number.NaN;
      tf.dispose(gradients);
      if (!Number.isFinite(norm)) {
        throw new UserError(`${stage}: the loss is ${loss} and the gradient norm ${norm} at step ${step} (tasks of ` +
          `${[...new Set(draw.contexts.map((c) => c.repo))].join(', ')}): lower the learning rate and run again.`);
      }
      const { sums } = state;
      state.sums = { loss: sums.loss + loss, norm: sums.norm + norm, count: sums.count + 1 };
      state.tokens += tokens;
      state.seconds += (performance.now() - began) / 1000;
      // Before a checkpoint of this step, from which the training would go on without it.
      for (const after of passesKept(config.passes)) if (stepAfter(after, config) === optimiser.step) checkpoints.keep(after);
      if (optimiser.step % config.validateEvery === 0 || optimiser.step === config.steps) {
        const validation = learner.validationLoss(optimiser.parameters);
        if (validation < best(state)) {
          state.bestStep = optimiser.step;
          checkpoints.saveBest();
        }
        state.losses.push({ step: optimiser.step, train: state.sums.loss / state.sums.count, validation, gradientNorm: state.sums.norm / state.sums.count });
        state.sums = none;
        checkpoints.save(state);
        saved = Date.now();
        writeFileAtomic(join(folder, 'log.jsonl'), state.losses.map((l) => `${JSON.stringify(l)}\n`).join(''));
      }
      if (Date.now() - saved >= 1000 * (config.checkpointSeconds ?? CHECKPOINT_SECONDS)) {
        checkpoints.save(state);
        saved = Date.now();
      }
      progress({ stage, done: optimiser.step, total: config.steps, note: note(loss, state) });
      await new Promise(setImmediate);
    }
  } finally {
    optimiser.dispose();
    tf.dispose(optimiser.parameters);
  }
  const { bestStep, losses, tokens, seconds } = state;
  if (!bestStep) throw new UserError(`${stage}: no measurement of the validation loss was finite: lower the learning rate and run again.`);
  return { parameters: checkpoints.best(bestStep), bestStep, losses, tokens, seconds };
}

/** Passes after which parameters are kept: a quarter, a half, and each whole one. */
export const passesKept = (passes = 0): number[] => [0.25, 0.5, ...Array.from({ length: passes }, (_, i) => i + 1)].filter((after) => after <= passes);

const stepAfter = (after: number, { steps, passes }: TrainConfig): number => Math.max(1, Math.round((steps * after) / passes!));

/** The lowest validation loss so far. A loss that is not finite is null once it was stored as JSON. */
function best({ losses }: State): number {
  return Math.min(Infinity, ...losses.map((l) => l.validation).filter(Number.isFinite));
}

function exhausted({ losses, bestStep }: State, { patience, passes }: TrainConfig): boolean {
  return patience !== undefined && passes === undefined && losses.filter((l) => l.step > bestStep).length >= patience;
}

function note(loss: number, state: State): string {
  const last = state.losses.at(-1);
  const memory = (process.memoryUsage.rss() / 2 ** 30).toFixed(1);
  return `loss ${loss.toFixed(2)}${last ? `, validation ${Number.isFinite(last.validation) ? last.validation.toFixed(3) : 'not finite'}` : ''}, ` +
    `${Math.round(state.tokens / state.seconds)} tokens/s, ${memory} GB`;
}
