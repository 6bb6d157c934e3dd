/** A repository's own assertions, completed by the frozen model under several adapters: what a user looks at first. */
import { openParser } from '../../data/python.js';
import { curateStatic, type StaticOptions } from '../../data/static-track.js';
import type { Repository, Task } from '../../data/types.js';
import { likelihoods, type Nats } from '../../eval/likelihood.js';
import { type Adapted, predict } from '../../eval/predict.js';
import type { Adapter } from '../../lora/adapter.js';
import type { Profile } from '../../profiles.js';
import { Random } from '../../store/random.js';
import { type Example, matched, toExamples } from '../../train/examples.js';
import type { BaseModel } from '../base-model.js';

/** What comes of a task under each adapter, by its name. */
export interface UnderEach<T> {
  task: Task;
  answers: Record<string, T>;
}

/** Answers are what was written. */
export type Completion = UnderEach<string>;

/** By name; undefined is the frozen model as it is. */
type Adapters = Readonly<Record<string, Adapter | undefined>>;

/** At most `most` of the assertions in a repository's tests, drawn by seed, however few there are; none where it has no tests. */
export async function assertionsOf(repository: Repository, options: StaticOptions, most: number): Promise<Task[]> {
  await openParser();
  return new Random(options.seed).shuffle(curateStatic(repository, { ...options, minTasks: 0 }).tasks).slice(0, most);
}

/** Each task answered under each adapter. */
export function completions(
  tasks: readonly Task[], adapters: Adapters, base: BaseModel, { maxTokens, maxNewTokens }: Pick<Profile, 'maxTokens' | 'maxNewTokens'>,
): Promise<Completion[]> {
  return underEach(tasks, adapters, base, maxTokens, (examples, adapted) => predict(base, examples, base.tokenizer, maxNewTokens, () => {}, adapted));
}

/** How probable each task's target is under each adapter: what exact match is too coarse for. */
export function targetNats(
  tasks: readonly Task[], adapters: Adapters, base: BaseModel, { maxTokens }: Pick<Profile, 'maxTokens'>,
): Promise<UnderEach<Nats>[]> {
  return underEach(tasks, adapters, base, maxTokens, (examples, adapted) => likelihoods(base, examples, base.tokenizer, () => {}, adapted));
}

async function underEach<T>(
  tasks: readonly Task[], adapters: Adapters, base: BaseModel, maxTokens: number, ask: (examples: readonly Example[], adapted?: Adapted) => T[],
): Promise<UnderEach<T>[]> {
  const { examples } = toExamples(tasks, base.tokenizer, matched(maxTokens), 'judging');
  const out = examples.map(({ task }): UnderEach<T> => ({ task, answers: {} }));
  for (const [name, adapter] of Object.entries(adapters)) {
    const adapted = adapter && { adapters: [adapter], owners: examples.map(() => 0) };
    ask(examples, adapted).forEach((answer, i) => { out[i]!.answers[name] = answer; });
    // Lets a display repaint.
    await new Promise(setImmediate);
  }
  return out;
}
