/**
 * Per-repo LoRA: for each training repository an adapter of its own, trained on its tasks alone. It can answer for
 * these repositories only, and what is stored grows with their number. Only those that are asked about are trained; one
 * that has no training task keeps the adapter that changes nothing.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { toTensor } from '../engine/arrays.js';
import { tf } from '../engine/tensorflow.js';
import { adapterFromTensors, adapterNames, adapterTensors, initialAdapter, mapAdapter } from '../lora/adapter.js';
import { readSafetensors, writeSafetensors, type NamedArray } from '../store/safetensors.js';
import { adapterLearner, type AdapterWriter } from '../train/adapter-learner.js';
import { balanced, groupBy } from '../train/draws.js';
import { train, type LossPoint } from '../train/trainer.js';
import { common } from './adapter-method.js';
import type { Method, MethodInputs } from './method.js';

export const perRepoLora: Method = {
  name: 'per-repo-lora',
  tracks: ['static', 'evolution'],
  adapters: () => ['own'],
  inRepositoryOnly: true,
  publishedPrompt: true,
  settings: (learning, track) => {
    const { rank, alpha, rates: { lora }, perRepository } = learning;
    return { ...common(learning, track), rank, alpha, learningRate: lora, perRepository };
  },
  train: async (inputs, folder, progress) => {
    const { model, learning, seed, train: examples, tokenizer, contextOf, inRepository } = inputs;
    const { rank, alpha, perRepository: { epochs, batch } } = learning;
    const byRepo = [...groupBy(examples.filter((e) => inRepository.has(e.task.repo)), (e) => e.task.repo)].sort(([a], [b]) => (a < b ? -1 : 1));
    const values = new Map<string, NamedArray>(), losses: LossPoint[] = [];
    let tokens = 0, seconds = 0;
    for (const [i, [repo, own]] of byRepo.entries()) {
      const done = join(folder, `${repo}.safetensors`);
      if (!existsSync(done)) {
        const steps = Math.max(1, Math.round((epochs * own.length) / batch));
        const adapter = initialAdapter(model.config, rank, alpha, seed);
        const writer: AdapterWriter = {
          parameters: adapterTensors(adapter), names: adapterNames(adapter), write: (p) => adapterFromTensors(p, rank, alpha),
        };
        // It has no validation repositories: the last weights are taken.
        const learner = { ...adapterLearner(model, writer, [], contextOf, learning, tokenizer.eos), validationLoss: () => 0 };
        const made = await train(learner, balanced(own, 1, Math.min(batch, own.length), seed), {
          ...learning, steps, validateEvery: steps, learningRate: learning.rates.lora,
        }, join(folder, repo), `training per-repo-lora, repository ${i + 1} of ${byRepo.length}`, progress);
        writeSafetensors(done, made.parameters, 'F32', { info: JSON.stringify({ loss: made.losses.at(-1), tokens: made.tokens, seconds: made.seconds }) });
      }
      const { tensors, metadata } = readSafetensors(done);
      for (const [name, value] of tensors) values.set(`${repo}/${name}`, value);
      const info = JSON.parse(metadata['info']!) as { loss: LossPoint; tokens: number; seconds: number };
      losses.push({ ...info.loss, step: i + 1 });
      tokens += info.tokens;
      seconds += info.seconds;
    }
    return { values, bestStep: byRepo.length, losses, tokens, seconds };
  },
  answers: async ({ model, learning: { rank, alpha }, seed }: MethodInputs, trained) => {
    const names = adapterNames({ layers: { length: model.config.layers } });
    const known = new Set([...trained!.values.keys()].map((name) => name.slice(0, name.lastIndexOf('/'))));
    return {
      adapter: ({ repo }) => mapAdapter(known.has(repo)
        ? adapterFromTensors(names.map((n) => toTensor(trained!.values.get(`${repo}/${n}`)!)), rank, alpha)
        : initialAdapter(model.config, rank, alpha, seed), (t) => tf.keep(t)),
      dispose: () => {},
    };
  },
};
