/** Stage 4: what a method trains, under one seed. Stored by the settings that determine it, so methods can share it. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { methods } from '../methods/index.js';
import type { Method, MethodInputs, TrainedMethod } from '../methods/method.js';
import { takeApart } from '../methods/standardised.js';
import type { Profile } from '../profiles.js';
import { UserError } from '../store/errors.js';
import { ensure } from '../store/lock.js';
import type { Progress } from '../store/progress.js';
import { storedSafetensors, storeSafetensors } from '../store/safetensors.js';
import { keptPath } from '../train/checkpoints.js';
import { passesKept } from '../train/trainer.js';
import { recordText } from './adapt/record.js';
import { trainingId } from './keys.js';
import { cacheOf } from './paths.js';

/** Where it is stored, or will be: undefined where the method trains nothing. */
export function trainedPath(method: Method, { track, seed }: Pick<MethodInputs, 'track' | 'seed'>, profile: Profile): string | undefined {
  const id = trainingId(method, track, seed, profile);
  return id && cacheOf(profile.name, 'trained', id, 'trained.safetensors');
}

/** @throws UserError when another method trains something else under the same name: what is stored would be either's */
export function refuseTwin(method: Method, { track, seed }: Pick<MethodInputs, 'track' | 'seed'>, profile: Profile): void {
  const nameOf = (one: Method) => trainingId(one, track, seed, profile), id = nameOf(method);
  const twin = methods.find((one) => one.name !== method.name && one.tracks.includes(track) && one.train !== method.train && nameOf(one) === id);
  if (twin) throw new UserError(`${method.name} and ${twin.name} train under the same name, since their settings are the same: give one of them a setting of its own in lib/src/methods, as { method: '${method.name}' } in "own".`);
}

/** The trained values, from the cache or made and stored there. An interrupted training goes on. */
export async function trained(method: Method, profile: Profile, inputs: MethodInputs, progress: Progress): Promise<TrainedMethod | undefined> {
  const path = trainedPath(method, inputs, profile), { passes, keptAfter } = profile.learning;
  const { train } = method;
  if (!path || !train) return undefined;
  refuseTwin(method, inputs, profile);
  if (keptAfter !== undefined && method.oneEach) throw new UserError(`${method.name} makes passes of its own, so nothing is kept after ${keptAfter} of ${passes ?? 'them'}: leave learning.keptAfter out.`);
  const folder = join(path, '..'), work = join(folder, 'unfinished'), kept = passesKept(passes);
  if (keptAfter !== undefined && !kept.includes(keptAfter)) {
    throw new UserError(`Nothing is kept after ${keptAfter} passes of ${passes ?? 'a training in steps'}: ${kept.length ? `choose ${kept.join(', ')}` : 'give learning.passes in place of steps'}.`);
  }
  const read = () => {
    const best = storedSafetensors(path, progress), asked = keptAfter === undefined ? best : storedSafetensors(keptPath(folder, keptAfter), progress);
    return best && asked && { best, asked };
  };
  let found: ReturnType<typeof read>;
  await ensure(() => (found = read()) !== undefined, folder, `training ${method.name}`, progress, async () => {
    if (inputs.train.length === 0) throw new UserError(`${method.name} has no task to train on (${inputs.track} track of ${profile.name}): curate more repositories, or give prompts more room (maxTokens).`);
    if (inputs.validation.length === 0 && !method.inRepositoryOnly) {
      throw new UserError(`${method.name} has no validation task, which chooses the step that is kept (${inputs.track} track of ${profile.name}): curate repositories of the split cr_val, or raise evaluated.validation.`);
    }
    const before = method.startsFrom && methods.find(({ name }) => name === method.startsFrom);
    // Under the prompt of these inputs, whatever conditions the profile names: they are for methods with a published prompt.
    const { conditions: _, ...learning } = profile.learning;
    const start = before && await trained(before, { ...profile, learning }, inputs, progress);
    const { values, ...info } = await train(start ? { ...inputs, start } : inputs, work, progress);
    // Before the result, which says that all is there.
    for (const file of kept.map((after) => keptPath(work, after)).filter(existsSync)) renameSync(file, join(folder, basename(file)));
    storeSafetensors(path, values, { info: JSON.stringify(info), checkpoint: recordText(method.name, profile, inputs) });
    rmSync(work, { recursive: true, force: true });
  });
  const { best: { tensors, metadata }, asked } = found ?? read()!;
  const { parameters, standardisers } = takeApart(tensors);
  const values = keptAfter === undefined ? parameters : asked.tensors;
  return { values, standardisers, ...(JSON.parse(metadata['info']!) as Omit<TrainedMethod, 'values' | 'standardisers'>) };
}
