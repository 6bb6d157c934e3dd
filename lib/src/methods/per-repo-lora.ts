/**
 * Per-repo LoRA: for each training repository an adapter of its own, trained on its tasks alone. It can answer for
 * these repositories only, and what is stored grows with their number. Only those that are asked about are trained; one
 * that has no training task keeps the adapter that changes nothing. The pass that is kept is the one of the least loss on
 * the repository's own validation tasks, and the last where it has none: a tenth of fewer than ten commits is none.
 */
import { adapterTensors, initialAdapter } from '../lora/adapter.js';
import { groupBy } from '../train/draws.js';
import { adaptedLayers, common } from './adapter-method.js';
import type { Method } from './method.js';
import { eachAdapter, trainEach } from './one-each.js';

export const perRepoLora: Method = {
  name: 'per-repo-lora',
  tracks: ['static', 'evolution'],
  adapters: () => ['own'],
  inRepositoryOnly: true,
  publishedPrompt: true,
  settings: (learning, track) => {
    const { rank, alpha, rates: { lora }, perRepository } = learning;
    return { ...common(learning, track), ...adaptedLayers(learning), rank, alpha, learningRate: lora, perRepository, chosenBy: 'own validation tasks' };
  },
  oneEach: true,
  train: (inputs, folder, progress) => {
    const { adapted, learning: { rank, alpha, rates, perRepository: { epochs, batch } }, seed, train, inRepository, repositoryTasks } = inputs;
    const byRepo = [...groupBy(train.filter((e) => inRepository.has(e.task.repo)), (e) => e.task.repo)].sort(([a], [b]) => (a < b ? -1 : 1));
    return trainEach(byRepo.map(([repo, examples]) => ({
      repo, examples, epochs, batch, learningRate: rates.lora, validation: repositoryTasks(repo).filter(({ task }) => task.inRepoSplit === 'val'), start: () => adapterTensors(initialAdapter(adapted, rank, alpha, seed)),
    })), inputs, folder, 'training per-repo-lora', progress);
  },
  answers: async (inputs, trained) => {
    const adapter = eachAdapter(inputs, trained!.values);
    return { adapter: ({ repo }) => adapter(repo), dispose: () => {} };
  },
};
