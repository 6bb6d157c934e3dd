/** In which ways a method's answers are wrong, counted. */
import { openParser } from '../data/python.js';
import { type ErrorKind, errorKind, errorKinds } from '../eval/error-kind.js';
import type { Prediction } from '../eval/types.js';
import { groupBy } from '../train/draws.js';
import { isCompared } from './labels.js';

export interface ErrorCounts extends Pick<Prediction, 'track' | 'method' | 'adapter' | 'suite'> {
  /** Answers, those of all seeds together, and how many of them are wrong by relaxed exact match. */
  answers: number;
  errors: number;
  kinds: Record<ErrorKind, number>;
}

/** Counts for every method and its two main controls on every suite. */
export async function countErrors(predictions: readonly Prediction[]): Promise<ErrorCounts[]> {
  await openParser();
  const compared = predictions.filter(({ adapter }) => isCompared(adapter));
  return [...groupBy(compared, ({ track, method, adapter, suite }) => `${track}/${method}/${adapter}/${suite}`).values()].map((list) => {
    const { track, method, adapter, suite } = list[0]!;
    const kinds = Object.fromEntries(errorKinds.map((kind) => [kind, 0])) as Record<ErrorKind, number>;
    let errors = 0;
    for (const { prediction, target } of list) {
      const kind = errorKind(prediction, target);
      if (!kind) continue;
      kinds[kind]++;
      errors++;
    }
    return { track, method, adapter, suite, answers: list.length, errors, kinds };
  });
}
