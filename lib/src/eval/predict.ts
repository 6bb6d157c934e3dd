/** A model answers tasks under adapters: prompts of similar length together, greedy, one line each. Then the scores. */
import { tidy } from '../engine/tensorflow.js';
import { stackAdapters, toLowRank, type Adapter } from '../lora/adapter.js';
import type { PromptAdapters } from '../model/decoder.js';
import { generate } from '../model/generate.js';
import { promptTokensAtOnce } from '../model/memory.js';
import type { Model } from '../model/weights.js';
import type { Tokenizer } from '../text/tokenizer.js';
import type { Example } from '../train/examples.js';
import { codeBleu } from './code-bleu/code-bleu.js';
import { editSimilarity } from './edit-similarity.js';
import { relaxedExactMatch, strictExactMatch } from './exact-match.js';
import type { Prediction } from './types.js';

/** Adapters, and for each example which of them answers it. */
export interface Adapted {
  adapters: readonly Adapter[];
  owners: readonly number[];
}

/** Texts in the order of `examples`, by the model as it is or with adapters, of which a batch may hold several. */
export function predict(
  model: Model, examples: readonly Example[], tokenizer: Tokenizer, maxNewTokens: number, tick: (done: number) => void, adapted?: Adapted,
): string[] {
  const texts: string[] = Array<string>(examples.length).fill('');
  for (const some of batches(examples.map((e) => e.prefix.length + maxNewTokens), promptTokensAtOnce(model.config), adapted?.owners)) {
    const out = tidy(() => generate(model, some.map((i) => examples[i]!.prefix), {
      maxNewTokens, eos: tokenizer.eos, lastTokens: tokenizer.lineBreaks, banned: tokenizer.banned,
    }, adapted && forPrompts(adapted.adapters, some.map((i) => adapted.owners[i]!))));
    some.forEach((i, j) => { texts[i] = tokenizer.decode(out[j]!); });
    tick(some.length);
  }
  return texts;
}

/** Places of sequences of these lengths, similar ones together, as many at once as make `most` tokens; those of one owner beside one another. */
export function* batches(lengths: readonly number[], most: number, owners?: readonly number[]): Generator<number[]> {
  const order = [...lengths.keys()].sort((a, b) => lengths[a]! - lengths[b]!);
  for (let at = 0; at < order.length;) {
    let end = at + 1;
    while (end < order.length && lengths[order[end]!]! * (end - at + 1) <= most) end++;
    yield order.slice(at, end).sort((a, b) => (owners ? owners[a]! - owners[b]! : 0));
    at = end;
  }
}

/** The adapters that these prompts have, each once. */
export function forPrompts(adapters: readonly Adapter[], owners: readonly number[]): PromptAdapters {
  const used = [...new Set(owners)], place = new Map(used.map((owner, i) => [owner, i]));
  return { lora: toLowRank(stackAdapters(used.map((i) => adapters[i]!))), owners: owners.map((owner) => place.get(owner)!) };
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
