/** What a method is given: the track's data, the frozen model, the settings, and the draws of the seed. */
import { embedTexts } from '../encoder/embed-texts.js';
import { embedderOf } from '../encoder/embedder.js';
import { lastLayers } from '../lora/adapter.js';
import type { MethodInputs } from '../methods/method.js';
import type { LearningConfig, Profile } from '../profiles.js';
import { balanced, groupBy, uniform, walking, type Sampler } from '../train/draws.js';
import type { BaseModel } from './base-model.js';
import { baseKey } from './keys.js';
import type { TrackData } from './track-data.js';

export function methodInputs(data: TrackData, base: BaseModel, profile: Profile, seed: number): MethodInputs {
  const { track, train, validation, contextOf, trainContexts, inRepository, vector, commits, repository, repositoryTasks, scored } = data;
  const embedder = embedderOf(base, base.tokenizer, baseKey(profile));
  return {
    track, model: base, adapted: lastLayers(base.config, profile.learning.layers), tokenizer: base.tokenizer, learning: { ...profile.learning, steps: stepsOf(data, profile) }, seed, train, validation,
    sampler: samplerOf(data, profile, seed), contextOf, trainContexts, inRepository, vector, commits, repository,
    evaluated: [...new Set([...scored.values()].flat().map((e) => e.task.repo))].sort(), repositoryTasks,
    contextTokens: profile.contextTokens,
    embed: (texts) => embedTexts(texts, embedder, profile.encoder.window),
  };
}

/** Tasks that a step draws, on average: there may be fewer repositories than it asks for, and the last commits of a history may be fewer. */
export function tasksOfStep({ track, train }: Pick<TrackData, 'track' | 'train'>, { sampling, repositories, tasks, walk }: LearningConfig): number {
  const histories = [...groupBy(train, ({ task }) => task.repo).values()];
  if (track === 'static') return (sampling === 'uniform' ? repositories : Math.min(repositories, histories.length)) * tasks;
  const commits = histories.map((list) => new Set(list.map(({ task }) => task.commitIndex)).size);
  const together = commits.reduce((sum, n) => sum + n / Math.ceil(n / walk.commits), 0) / commits.length;
  return Math.min(walk.repositories, histories.length) * together * walk.tasks;
}

/** As many steps as draw all training tasks so many times, where passes are given. */
function stepsOf(data: TrackData, { learning }: Profile): number {
  const { passes, steps } = learning;
  return passes === undefined ? steps : Math.max(1, Math.round((passes * data.train.length) / tasksOfStep(data, learning)));
}

function samplerOf({ track, train }: TrackData, { learning }: Profile, seed: number): Sampler {
  const { sampling, repositories, tasks, walk } = learning;
  if (track === 'evolution') return walking(train, walk.repositories, walk.commits, walk.tasks, seed);
  return sampling === 'balanced' ? balanced(train, repositories, tasks, seed) : uniform(train, repositories * tasks, seed);
}
