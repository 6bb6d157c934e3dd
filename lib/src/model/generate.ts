/** Greedy decoding of a batch of prompts whose continuations end at different times. */
import { tf, tidy, usesKernels, type Tensor } from '../engine/tensorflow.js';
import { openDecoder, type PromptAdapters } from './decoder.js';
import type { Model } from './weights.js';

export interface GenerateOptions {
  maxNewTokens: number;
  /** Ends a sequence and is not part of the result. */
  eos: number;
  /** Tokens that end a sequence and are part of the result: those that hold a line break, where only one line counts. */
  lastTokens: ReadonlySet<number>;
  /** Tokens that are never chosen. */
  banned?: ReadonlySet<number>;
}

/** Finished sequences are dropped once so small a share goes on: dropping copies the cache, and makes another shape of recorded work. */
const KEPT = usesKernels ? 0.75 : 0.5;

/** @returns for each prompt the generated ids, without EOS. */
export function generate(
  model: Model, prompts: readonly (readonly number[])[], options: GenerateOptions, adapters?: PromptAdapters,
): number[][] {
  const { maxNewTokens, eos, lastTokens, banned } = options;
  const ban = banned?.size ? banMask(banned, model.config.vocabSize) : undefined;
  const choose = (logits: Tensor): Int32Array => {
    const best = tidy(() => (ban ? logits.add(ban) : logits).argMax(-1).dataSync() as Int32Array);
    logits.dispose();
    return best;
  };
  const decoder = openDecoder(model, prompts, maxNewTokens, adapters);
  const out: number[][] = prompts.map(() => []);
  /** The prompts whose sequences the decoder still holds, in its order, and of these the ones that go on. */
  let held = [...out.keys()];
  const open = new Set(held);
  let next = choose(decoder.logits);
  for (let n = 1; ; n++) {
    held.forEach((b, row) => {
      if (!open.has(b)) return;
      const token = next[row]!;
      if (token !== eos) out[b]!.push(token);
      if (token === eos || lastTokens.has(token)) open.delete(b);
    });
    if (!open.size || n >= maxNewTokens) break;
    if (open.size <= KEPT * held.length) {
      const rows = [...held.keys()].filter((row) => open.has(held[row]!));
      decoder.keep(rows);
      next = Int32Array.from(rows, (row) => next[row]!);
      held = rows.map((row) => held[row]!);
    }
    next = choose(decoder.advance(next));
  }
  decoder.dispose();
  ban?.dispose();
  return out;
}

/** [V]: zero, and minus infinity at the banned tokens. */
function banMask(banned: ReadonlySet<number>, vocabSize: number): Tensor {
  const mask = new Float32Array(vocabSize);
  for (const token of banned) mask[token] = -Infinity;
  return tf.tensor1d(mask);
}
