/** A method answers tasks under each of its adapters: which adapter answers what, and in which batches. */
import { leaveOut, withContext, type LeftOut, type Reason } from '../context/context.js';
import { averageAdapters, disposeAdapter, type Adapter } from '../lora/adapter.js';
import type { Adapted } from '../eval/predict.js';
import { EMPTY, RANDOM, type AdapterKind, type Answers } from '../methods/method.js';
import { groupBy, slices, type Context } from '../train/draws.js';
import type { Model } from '../model/weights.js';
import type { Example } from '../train/examples.js';
import type { BaseModel } from './base-model.js';
import type { TrackData } from './track-data.js';

/** Adapters that are alive at once, and tasks that are answered together with them: enough for full batches of prompts of one length. */
const ADAPTERS_AT_ONCE = 64, TASKS_AT_ONCE = 512;

/** What is done with tasks: `predict`, or `likelihoods`. */
type Work<T> = (model: Model, examples: readonly Example[], tick: (done: number) => void, adapted: Adapted | undefined) => T[];

/**
 * What `work` gives for each of `examples` under one kind of adapter, in their order; the tokens put before their prompts in
 * all, and what these texts could not hold, by reason; `cut` are those that were too long all the same and lost their
 * beginning. `tick` is told how many more are done.
 */
export async function answerTasks<T>(
  answers: Answers, kind: AdapterKind, examples: readonly Example[], data: TrackData, base: BaseModel, contextTokens: number,
  work: Work<T>, tick: (done: number) => void,
): Promise<{ results: Map<Example, T>; addedTokens: number; leftOut: LeftOut }> {
  const out = new Map<Example, T>();
  const model = answers.model ?? base;
  const before = answers.leftOut?.() ?? {};
  const { prompts, cut } = answers.text ? await withText(answers.text, examples, base, contextTokens, tick) : { prompts: examples, cut: 0 };
  const original = new Map(prompts.map((p, i) => [p, examples[i]!]));
  const contextFor = (e: Example) => {
    const context = data.contextOf(e);
    switch (kind) {
      case 'first': return { ...context, commit: 0 };
      case 'other': return data.otherThan(context);
      case 'empty': return EMPTY;
      case 'random': return RANDOM;
      default: return context;
    }
  };
  const average = kind === 'average' ? averageAdapters(adaptersOf(answers, data.trainContexts)) : undefined;
  const keyOf = (e: Example) => (kind === 'none' || average || answers.shared ? '' : JSON.stringify(contextFor(e)));
  const answer = async (groups: Example[][]) => {
    const adapters = kind === 'none' ? [] : groups.map(([first]) => average ?? answers.adapter!(contextFor(first!)));
    try {
      const list = groups.flat(), owners = groups.flatMap((group, i) => group.map(() => i));
      const results = work(model, list, tick, adapters.length ? { adapters, owners } : undefined);
      list.forEach((e, i) => out.set(original.get(e)!, results[i]!));
    } finally {
      if (!average) adapters.forEach(disposeAdapter);
    }
    // An interrupt is heard between.
    await new Promise(setImmediate);
  };
  try {
    let together: Example[][] = [];
    for (const group of slices([...groupBy(prompts, keyOf).values()], TASKS_AT_ONCE)) {
      together.push(group);
      if (together.length < ADAPTERS_AT_ONCE && together.flat().length < TASKS_AT_ONCE) continue;
      await answer(together);
      together = [];
    }
    if (together.length) await answer(together);
  } finally {
    if (average) disposeAdapter(average);
  }
  const leftOut: LeftOut = {};
  for (const [reason, times] of Object.entries({ ...answers.leftOut?.(), cut })) leaveOut(leftOut, reason as Reason, times - (before[reason as Reason] ?? 0));
  const length = (list: readonly Example[]) => list.reduce((n, e) => n + e.prefix.length, 0);
  return { results: new Map(examples.map((e) => [e, out.get(e)!])), addedTokens: length(prompts) - length(examples), leftOut };
}

/** The adapters of contexts, each alive until the next is asked for: there can be hundreds. */
export function* adaptersOf(answers: Answers, contexts: readonly Context[]): Generator<Adapter> {
  for (const context of contexts) {
    const adapter = answers.adapter!(context);
    yield adapter;
    disposeAdapter(adapter);
  }
}

/** The text stands before the prefix, which stays as it is; of one that is too long the end. */
async function withText(
  text: NonNullable<Answers['text']>, examples: readonly Example[], base: BaseModel, contextTokens: number, tick: (done: number) => void,
): Promise<{ prompts: Example[]; cut: number }> {
  const prompts: Example[] = [];
  let cut = 0;
  for (const e of examples) {
    const context = await text(e.task);
    const ids = base.tokenizer.encode(withContext(context, ''));
    if (ids.length > contextTokens) cut++;
    prompts.push({ ...e, prefix: [...ids.slice(-contextTokens), ...e.prefix] });
    // Reading the repositories takes minutes: whoever waits sees that it goes on, and may stop it.
    tick(0);
    await new Promise(setImmediate);
  }
  return { prompts, cut };
}
