/** One adapted model answers tasks: prompts of similar length together, greedy, one line each. Then the scores. */
import { generate } from '../model/generate.js';
import type { Model } from '../model/weights.js';
import type { Tokenizer } from '../text/tokenizer.js';
import type { Example } from '../train/examples.js';
import { codeBleu } from './code-bleu/code-bleu.js';
import { editSimilarity } from './edit-similarity.js';
import { relaxedExactMatch, strictExactMatch } from './exact-match.js';
import type { Prediction } from './types.js';

/** Tokens of one batch of prompts. Memory, not speed, asks for a limit. */
const BATCH_TOKENS = 16_384;

/** Texts in the order of `examples`. */
export function predict(
  model: Model, examples: readonly Example[], tokenizer: Tokenizer, maxNewTokens: number, tick: (done: number) => void,
): string[] {
  const order = [...examples.keys()].sort((a, b) => examples[a]!.prefix.length - examples[b]!.prefix.length);
  const texts: string[] = Array<string>(examples.length).fill('');
  for (let at = 0; at < order.length;) {
    let end = at + 1;
    while (end < order.length && examples[order[end]!]!.prefix.length * (end - at + 1) <= BATCH_TOKENS) end++;
    const some = order.slice(at, end);
    const out = generate(model, some.map((i) => examples[i]!.prefix), {
      maxNewTokens, eos: tokenizer.eos, lastTokens: tokenizer.lineBreaks, banned: tokenizer.banned,
    });
    some.forEach((i, j) => { texts[i] = tokenizer.decode(out[j]!); });
    tick(some.length);
    at = end;
  }
  return texts;
}

/** A prediction with all its scores. Call `await openParser()` once before. */
export function score(
  example: Example, prediction: string, of: Pick<Prediction, 'track' | 'suite' | 'method' | 'adapter' | 'seed'>,
): Prediction {
  const { id, repo, target, commitIndex } = example.task;
  return {
    taskId: id, repo, commitIndex, ...of, target, prediction,
    strictEM: strictExactMatch(prediction, target),
    relaxedEM: relaxedExactMatch(prediction, target),
    editSimilarity: editSimilarity(prediction, target),
    codeBleu: codeBleu(prediction, target),
  };
}
