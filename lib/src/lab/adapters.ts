/** Adapters themselves, to be looked at, compared or saved: as a run's method writes them once it is trained. */
import { disposeAdapter, inOne, single, type Adapter } from '../lora/adapter.js';
import type { Method, MethodInputs } from '../methods/method.js';
import type { Profile } from '../profiles.js';
import { UserError } from '../store/errors.js';
import type { Progress } from '../store/progress.js';
import type { Context } from '../train/draws.js';
import { trained } from './training.js';

/** One adapter a context, in their order; the caller disposes of them. @throws UserError when the method writes none, or there is no such commit */
export async function writeAdapters(
  method: Method, profile: Profile, inputs: MethodInputs, contexts: readonly Context[], progress: Progress,
): Promise<Adapter[]> {
  if (inputs.track === 'evolution') {
    for (const { repo, commit } of contexts) {
      const kept = inputs.commits({ repo, commit: Number.POSITIVE_INFINITY }).length;
      if (kept && !(Number.isInteger(commit) && commit! >= 0 && commit! < kept)) {
        throw new UserError(`${repo} has no commit ${commit ?? '(none was given)'}: give "commit", from 0 for its first kept one to ${kept - 1} for its newest.`);
      }
    }
  }
  const answers = await method.answers(inputs, await trained(method, profile, inputs, progress));
  try {
    if (!answers.adapter) throw new UserError(`${method.name} answers without adapters: choose a method that writes them, as code2lora-static.`);
    return contexts.map((context) => whole(answers.adapter!(context)));
  } finally {
    answers.dispose();
  }
}

/** The adapter with its shared part in it; the parts are gone. */
export function whole(parts: Adapter): Adapter {
  const one = single(() => inOne(parts));
  disposeAdapter(parts);
  return one;
}
