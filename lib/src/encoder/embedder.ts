/** The frozen model that turns tokens into vectors: the base model itself at small scale, Qwen3-Embedding in the paper. */
import type { Tensor } from '../engine/tensorflow.js';
import { windowTokensAtOnce } from '../model/memory.js';
import { hiddenStates } from '../model/transformer.js';
import type { Model } from '../model/weights.js';
import type { Tokenizer } from '../text/tokenizer.js';

export interface Embedder {
  /** Names the weights and the tokenizer. Vectors are stored under it. */
  key: string;
  /** h, the length of a token's vector. */
  hidden: number;
  tokenizer: Pick<Tokenizer, 'encode' | 'encodeWithEnd' | 'decode' | 'eos'>;
  /** ids [B, T] int32, padded on the right -> final hidden states [B*T, h], rows in batch order. */
  states(ids: Tensor): Tensor;
  /** Tokens that go through the model at once. */
  tokensAtOnce: number;
}

export function embedderOf(model: Model, tokenizer: Tokenizer, key: string): Embedder {
  return { key, hidden: model.config.hidden, tokenizer, tokensAtOnce: windowTokensAtOnce(model.config), states: (ids) => hiddenStates(model, ids) };
}
