/**
 * Trains nano-coder: AdamW, warm-up, a constant rate, then a linear decay to zero over the last fifth. A round starts
 * from random weights or from those of the round before it. Resumable: the state is a checkpoint and the step's number.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AdamW } from '../engine/adamw.js';
import { headLoss } from '../engine/ops.js';
import { optimiserState, restoreOptimiser } from '../engine/optimiser-state.js';
import { tf, type Tensor, type Tf } from '../engine/tensorflow.js';
import type { ModelConfig } from '../model/config.js';
import { hiddenStates } from '../model/transformer.js';
import { fromList, listNames, randomModel, toList, type Model } from '../model/weights.js';
import { UserError } from '../store/errors.js';
import type { Progress } from '../store/progress.js';
import { Random } from '../store/random.js';
import { storedSafetensors, storeSafetensors } from '../store/safetensors.js';
import type { TokenFile } from './tokens.js';

export interface PretrainConfig {
  model: ModelConfig;
  tokens: number;
  /** Tokens a step; sequences are `context` long, and `longContext` in the decay phase. */
  batchTokens: number;
  context: number;
  longContext: number;
  learningRate: number;
  warmupSteps: number;
  decayFraction: number;
  weightDecay: number;
  seed: number;
}

export interface PretrainLogLine {
  step: number;
  tokens: number;
  /** Mean training loss since the last line, nats a token. */
  loss: number;
  tokensPerSecond: number;
  learningRate: number;
  /** Bits a byte on held-out projects, where it was measured. */
  heldOutBitsPerByte?: number;
}

const LOG_EVERY = 50;
const SAVE_EVERY = 250;
const EVALUATE_EVERY = 1000;

/**
 * Runs to the end of the schedule and returns the model; `folder` keeps the log and the checkpoints.
 * @param start weights to start from, taken over; random ones when absent.
 */
export async function pretrain(config: PretrainConfig, data: TokenFile, folder: string, progress: Progress, start?: Model): Promise<Model> {
  mkdirSync(folder, { recursive: true });
  const steps = Math.ceil(config.tokens / config.batchTokens);
  const stable = Math.floor(steps * (1 - config.decayFraction));
  const stablePath = join(folder, 'constant.safetensors'), decayPath = join(folder, `decay-${steps}.safetensors`);
  const log = join(folder, 'log.jsonl');

  const names = listNames(config.model);
  const optimiser = new AdamW(toList(start ?? randomModel(config.model, config.seed)), {
    beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: config.weightDecay, clip: 1,
  });
  if (!restore(optimiser, names, decayPath, progress)) restore(optimiser, names, stablePath, progress);

  let sum = 0, since = performance.now(), count = 0;
  while (optimiser.step < steps) {
    const step = optimiser.step;
    const decaying = step >= stable;
    const time = decaying ? config.longContext : config.context;
    const rate = config.learningRate *
      (decaying ? 1 - (step - stable) / (steps - stable) : Math.min(1, (step + 1) / config.warmupSteps));
    const { loss, norm } = trainStep(optimiser, config, batch(data.train, step, config.batchTokens / time, time, config.seed), time, rate);
    if (!Number.isFinite(loss + norm)) throw new UserError(`Pre-training: the loss is ${loss} and the gradient norm ${norm} at step ${step}: lower learningRate in lib/src/pretrain and run again.`);
    sum += loss;
    count++;
    if (optimiser.step % LOG_EVERY === 0 || optimiser.step === steps) {
      const seconds = (performance.now() - since) / 1000;
      const line: PretrainLogLine = {
        step: optimiser.step,
        tokens: optimiser.step * config.batchTokens,
        loss: sum / count,
        tokensPerSecond: Math.round((count * config.batchTokens) / seconds),
        learningRate: rate,
      };
      if (optimiser.step % EVALUATE_EVERY === 0 || optimiser.step === steps) {
        line.heldOutBitsPerByte = bitsPerByte(fromList(config.model, optimiser.parameters), data, config.longContext);
      }
      appendFileSync(log, `${JSON.stringify(line)}\n`);
      progress({ stage: 'pre-training nano-coder', done: optimiser.step, total: steps, note: `loss ${line.loss.toFixed(3)}, ${line.tokensPerSecond} tokens/s` });
      sum = count = 0;
      since = performance.now();
      await new Promise(setImmediate);
    }
    if (optimiser.step % SAVE_EVERY === 0 || optimiser.step === stable || optimiser.step === steps) {
      save(optimiser, names, optimiser.step > stable ? decayPath : stablePath);
    }
  }
  optimiser.dispose();
  return fromList(config.model, optimiser.parameters);
}

function trainStep(optimiser: AdamW, config: PretrainConfig, ids: Int32Array, time: number, rate: number): { loss: number; norm: number } {
  return tf.tidy(() => {
    const rows = config.batchTokens;
    const all = tf.tensor2d(ids, [rows / time, time + 1], 'int32');
    const input = all.slice([0, 0], [-1, time]);
    const target = all.slice([0, 1], [-1, time]).reshape([rows]);
    const weight = tf.fill([rows], 1 / rows);
    const { value, grads } = tf.valueAndGrads((...list: Tensor[]) => {
      const model = fromList(config.model, list);
      return headLoss(hiddenStates(model, input), model.head, target, weight, true) as Tf.Scalar;
    })(optimiser.parameters);
    return { norm: optimiser.update(grads, rate), loss: value.dataSync()[0]! };
  });
}

/** Windows of `time` + 1 tokens at seeded random places, the same for the same step. */
function batch(tokens: Uint16Array, step: number, sequences: number, time: number, seed: number): Int32Array {
  const random = new Random(seed * 1_000_003 + step);
  const out = new Int32Array(sequences * (time + 1));
  for (let i = 0; i < sequences; i++) {
    const at = random.below(tokens.length - time - 1);
    out.set(tokens.subarray(at, at + time + 1), i * (time + 1));
  }
  return out;
}

/** Held-out bits a UTF-8 byte, over consecutive windows without overlap. */
export function bitsPerByte(model: Model, data: TokenFile, time: number): number {
  const windows = Math.min(120, Math.floor((data.heldOut.length - 1) / time));
  let nats = 0;
  for (let i = 0; i < windows; i += 4) {
    nats += tf.tidy(() => {
      const n = Math.min(4, windows - i);
      const rows = Array.from({ length: n }, (_, j) => Array.from(data.heldOut.subarray((i + j) * time, (i + j + 1) * time + 1)));
      const input = tf.tensor2d(rows.map((r) => r.slice(0, -1)), [n, time], 'int32');
      const target = tf.tensor1d(rows.flatMap((r) => r.slice(1)), 'int32');
      return headLoss(hiddenStates(model, input), model.head, target, tf.ones([n * time]), false).dataSync()[0]!;
    });
  }
  return nats / (windows * time) * (data.heldOut.length / data.heldOutBytes) / Math.LN2;
}

function save(optimiser: AdamW, names: string[], path: string): void {
  storeSafetensors(path, optimiserState(optimiser, names).set('step', { shape: [1], data: Int32Array.of(optimiser.step) }));
}

/** False where there is no such checkpoint that is whole. */
function restore(optimiser: AdamW, names: string[], path: string, progress: Progress): boolean {
  const stored = storedSafetensors(path, progress);
  if (!stored) return false;
  restoreOptimiser(optimiser, names, stored.tensors);
  optimiser.step = stored.tensors.get('step')!.data[0]!;
  return true;
}
