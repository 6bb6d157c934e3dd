/** An embedder without a model: a token's vector is its own id, and what it is asked for is counted. */
import { tf } from '../../lib/dist/engine/tensorflow.js';
import type { Embedder } from '../../lib/dist/encoder/embedder.js';

export interface Counted extends Embedder {
  passes: number;
  /** Tokens with their padding: in all, and in the largest batch. */
  padded: number;
  largest: number;
}

/** Its tokenizer reads `3 7 7` as those three ids, with `encode` in its own way; the end token is 0. */
export function fakeEmbedder(hidden: number, encode = (text: string) => (text.match(/\d+/g) ?? []).map(Number)): Counted {
  return {
    key: 'fake', hidden, tokensAtOnce: 8192, passes: 0, padded: 0, largest: 0,
    tokenizer: { encode, encodeWithEnd: (text) => [...encode(text), 0], decode: (ids) => ids.join(' '), eos: 0 },
    states(ids) {
      this.passes++;
      this.padded += ids.size;
      this.largest = Math.max(this.largest, ids.size);
      return tf.tile(ids.reshape([-1, 1]).toFloat(), [1, hidden]);
    },
  };
}
