/** A repository's own assertions, completed by the frozen model under several adapters: what a user looks at first. */
import { openParser } from '../../data/python.js';
import { curateStatic, type StaticOptions } from '../../data/static-track.js';
import type { Repository, Task } from '../../data/types.js';
import { predict } from '../../eval/predict.js';
import type { Adapter } from '../../lora/adapter.js';
import type { Profile } from '../../profiles.js';
import { Random } from '../../store/random.js';
import { matched, toExamples } from '../../train/examples.js';
import type { BaseModel } from '../base-model.js';

export interface Completion {
  task: Task;
  /** What was written under each adapter, by its name. */
  answers: Record<string, string>;
}

/** At most `most` of the assertions in a repository's tests, drawn by seed, however few there are; none where it has no tests. */
export async function assertionsOf(repository: Repository, options: StaticOptions, most: number): Promise<Task[]> {
  await openParser();
  return new Random(options.seed).shuffle(curateStatic(repository, { ...options, minTasks: 0 }).tasks).slice(0, most);
}

/**
 * Each task answered under each adapter.
 * @param adapters by name; undefined is the frozen model as it is
 */
export async function completions(
  tasks: readonly Task[], adapters: Readonly<Record<string, Adapter | undefined>>, base: BaseModel,
  { maxTokens, maxNewTokens }: Pick<Profile, 'maxTokens' | 'maxNewTokens'>,
): Promise<Completion[]> {
  const { examples } = toExamples(tasks, base.tokenizer, matched(maxTokens), 'judging');
  const out = examples.map(({ task }): Completion => ({ task, answers: {} }));
  for (const [name, adapter] of Object.entries(adapters)) {
    const adapted = adapter && { adapters: [adapter], owners: examples.map(() => 0) };
    predict(base, examples, base.tokenizer, maxNewTokens, () => {}, adapted).forEach((text, i) => { out[i]!.answers[name] = text; });
    // Lets a display repaint.
    await new Promise(setImmediate);
  }
  return out;
}
