/** A profile as one run has it: the run's own settings in place of the profile's. */
import type { LearningConfig, Profile } from '../profiles.js';
import { UserError } from '../store/errors.js';
import type { RunOptions } from './run.js';

/** @throws UserError for numbers that nothing can be trained with */
export function asRun(profile: Profile, { learning = {}, encoder = {} }: Pick<RunOptions, 'learning' | 'encoder'>): Profile {
  const { passes, ...rest } = profile.learning;
  // Steps that are asked for count, also where the profile counts passes.
  const counted = learning.steps === undefined && passes !== undefined ? { ...rest, passes } : rest;
  const own: LearningConfig = { ...counted, ...learning };
  const { steps, repositories, tasks, validateEvery, microBatch, rank, headWidth, patience, trainRepositories } = own;
  const counts = {
    steps, repositories, tasks, validateEvery, microBatch, rank, headWidth, patience, trainRepositories,
    ...Object.fromEntries(Object.entries(own.walk).map(([name, value]) => [`walk.${name}`, value])),
  };
  for (const [name, value] of Object.entries(counts)) {
    if (value !== undefined && (!Number.isInteger(value) || value < 1)) throw new UserError(`learning.${name} is ${value}: give a whole number from 1 on.`);
  }
  if (own.passes !== undefined && !(own.passes > 0 && Number.isFinite(own.passes))) throw new UserError(`learning.passes is ${own.passes}: give a number above zero.`);
  return { ...profile, learning: own, encoder: { ...profile.encoder, ...encoder } };
}
