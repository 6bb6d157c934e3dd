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
  const { steps, repositories, tasks, validateEvery, microBatch, rank, headWidth } = own;
  const counts = { steps, repositories, tasks, validateEvery, microBatch, rank, headWidth, ...Object.fromEntries(Object.entries(own.walk).map(([name, value]) => [`walk.${name}`, value])) };
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isInteger(value) || value < 1) throw new UserError(`learning.${name} is ${value}: give a whole number from 1 on.`);
  }
  return { ...profile, learning: own, encoder: { ...profile.encoder, ...encoder } };
}
