/** An adapter for each of many repositories, each trained on texts of that repository alone: what per-repo LoRA and headroom have in common. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { toTensor } from '../engine/arrays.js';
import { tf, type Tensor } from '../engine/tensorflow.js';
import { adapterFromTensors, adapterNames, initialAdapter, mapAdapter, type Adapter } from '../lora/adapter.js';
import type { Progress } from '../store/progress.js';
import { type NamedArray, readSafetensors, storedSafetensors, storeSafetensors } from '../store/safetensors.js';
import { adapterLearner, type AdapterWriter } from '../train/adapter-learner.js';
import { balanced } from '../train/draws.js';
import type { Example } from '../train/examples.js';
import { train, type LossPoint } from '../train/trainer.js';
import type { MethodInputs, TrainedMethod } from './method.js';

/** One repository's training. */
export interface Each {
  repo: string;
  examples: readonly Example[];
  /** Passes over the examples. */
  epochs: number;
  learningRate: number;
  /** Tasks of a step. */
  batch: number;
  /** Where training starts, owned by it: the parameters of one adapter, one a layer. */
  start(): Tensor[];
  /** Tasks by whose loss the step is chosen that is kept, measured once a pass; the last step is kept when absent. */
  validation?: readonly Example[];
}

/** Trains them one after another; finished ones are kept in `folder`, so an interrupted run goes on. */
export async function trainEach(
  jobs: readonly Each[], { model, adapted, learning: { passes: _, ...learning }, tokenizer, contextOf, seed }: MethodInputs, folder: string, stage: string, progress: Progress,
): Promise<Omit<TrainedMethod, 'standardisers' | 'values'> & { values: Map<string, NamedArray> }> {
  const { rank, alpha } = learning, names = adapterNames(adapted);
  const values = new Map<string, NamedArray>(), losses: LossPoint[] = [];
  let tokens = 0, seconds = 0;
  for (const [i, { repo, examples, epochs, learningRate, batch, start, validation }] of jobs.entries()) {
    const done = join(folder, `${repo}.safetensors`);
    let stored = storedSafetensors(done, progress);
    if (!stored) {
      // A step takes no example twice.
      const tasks = Math.min(batch, examples.length), steps = Math.max(1, Math.round((epochs * examples.length) / tasks));
      const writer: AdapterWriter = { parameters: start(), names, write: (p) => adapterFromTensors(p, rank, alpha) };
      const learner = adapterLearner(model, writer, validation ?? [], contextOf, learning, tokenizer.eos);
      const made = await train(validation?.length ? learner : { ...learner, validationLoss: () => 0 }, balanced(examples, 1, tasks, seed), {
        ...learning, steps, validateEvery: validation?.length ? Math.max(1, Math.round(steps / epochs)) : steps, learningRate,
      }, join(folder, repo), `${stage}, repository ${i + 1} of ${jobs.length}`, progress);
      storeSafetensors(done, made.parameters, { info: JSON.stringify({ loss: kept(made, validation), tokens: made.tokens, seconds: made.seconds }) });
      stored = readSafetensors(done);
      rmSync(join(folder, repo), { recursive: true, force: true });
    }
    const { tensors, metadata } = stored;
    for (const [name, value] of tensors) values.set(`${repo}/${name}`, value);
    const info = JSON.parse(metadata['info']!) as { loss: LossPoint; tokens: number; seconds: number };
    losses.push({ ...info.loss, step: i + 1 });
    tokens += info.tokens;
    seconds += info.seconds;
  }
  return { values, bestStep: jobs.length, losses, tokens, seconds, passes: Math.max(0, ...jobs.map(({ epochs }) => epochs)), repositories: jobs.length };
}

/** What the parameters that are kept had; no validation loss where there was nothing to validate on. */
function kept({ losses, bestStep }: Pick<TrainedMethod, 'losses' | 'bestStep'>, validation: readonly Example[] | undefined): LossPoint {
  const found = losses.find(({ step }) => step === bestStep)!;
  return validation?.length ? found : { ...found, validation: Number.NaN };
}

/** The repository's own adapter; one that changes nothing where none was trained. */
export function eachAdapter({ adapted, learning: { rank, alpha }, seed }: MethodInputs, values: ReadonlyMap<string, NamedArray>): (repo: string) => Adapter {
  const names = adapterNames(adapted);
  return (repo) => mapAdapter(values.has(`${repo}/${names[0]!}`)
    ? adapterFromTensors(names.map((n) => toTensor(values.get(`${repo}/${n}`)!)), rank, alpha)
    : initialAdapter(adapted, rank, alpha, seed), (t) => tf.keep(t));
}
