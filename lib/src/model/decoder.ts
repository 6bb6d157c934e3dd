/**
 * Token by token through a batch with a key-value cache. Prompts are padded on the left, so that the sequences of a
 * batch stand at the same position. On a CPU the cache is one block of memory that a fused kernel writes in place; on
 * a GPU it is made of TensorFlow ops.
 */
import * as composite from '../engine/composite.js';
import { kernels } from '../engine/kernels.js';
import { attention, embed, rmsNorm } from '../engine/ops.js';
import { tf, tidy, usesKernels, type Tensor, type Tf } from '../engine/tensorflow.js';
import { attentionShape, block, logits, mapLow, type LowRankLayer } from './transformer.js';
import type { Model } from './weights.js';

export interface Decoder {
  /** Of the token after each prompt, [B, V]. Owned by the caller. */
  logits: Tensor;
  /** Appends one token to every sequence. Returns the logits after it, [B, V], owned by the caller. */
  advance(tokens: ArrayLike<number>): Tensor;
  /** Goes on with these sequences only, by their place in the batch. */
  keep(sequences: readonly number[]): void;
  dispose(): void;
}

/** Keys and values of one layer, and attention of one new token a sequence over them. */
interface LayerCache {
  /** qkv [B, row] of the new token at position `length`, start [B] -> [B, heads*dim] */
  attend(qkv: Tensor, start: Tensor, length: number): Tensor;
  keep(sequences: Tensor): void;
  dispose(): void;
}

/** Adapters of several repositories, and whose each prompt has. */
export interface PromptAdapters {
  /** One entry a layer, with factors [S, ...] of S repositories, or of one for all. */
  lora: readonly LowRankLayer[];
  /** For each prompt a number below S. */
  owners: readonly number[];
}

/**
 * @param prompts token ids, at least one each
 * @param newTokens how many tokens `advance` will append at most
 */
export function openDecoder(model: Model, prompts: readonly (readonly number[])[], newTokens: number, adapters?: PromptAdapters): Decoder {
  const { config } = model, shape = attentionShape(config), batch = prompts.length;
  // A multiple of 16: sums in the kernels then meet a prompt's tokens in the same places whatever its batch.
  const time = Math.ceil(Math.max(...prompts.map((p) => p.length)) / 16) * 16;
  const ids = new Int32Array(batch * time);
  prompts.forEach((p, b) => ids.set(p, (b + 1) * time - p.length));
  let start: Tensor = tf.tensor1d(prompts.map((p) => time - p.length), 'int32');
  let owner: Tensor | undefined = adapters && tf.tensor1d([...adapters.owners], 'int32');
  const lowOf = (layer: number): LowRankLayer | undefined =>
    adapters && mapLow(adapters.lora[layer]!, (term) => (term.a.shape[0] === 1 ? term : { ...term, owner: owner! }));
  const output = (x: Tensor) => logits(model, rmsNorm(x, model.finalNorm, config.rmsEps));
  const { first, caches } = tidy(() => {
    const kept: LayerCache[] = [];
    const last = tf.tensor1d(Array.from({ length: batch }, (_, b) => (b + 1) * time - 1), 'int32');
    let x: Tensor = embed(model.embed, tf.tensor1d(ids, 'int32'));
    model.layers.forEach((w, i) => {
      const only = i === config.layers - 1 ? last : undefined, before = x;
      x = tidy(() => block(before, w, config, (packed) => {
        const qkv = packed.reshape([batch, time, packed.shape[1]!]);
        kept.push(openCache(qkv, time + newTokens));
        return attention(qkv, start, shape).reshape([batch * time, config.heads * config.headDim]);
      }, { only, lora: lowOf(i) }));
      before.dispose();
    });
    return { first: tf.keep(output(x)), caches: kept };
  });
  let length = time;

  function openCache(qkv: Tensor, capacity: number): LayerCache {
    if (!usesKernels || shape.dim % 16) {
      let cache = composite.cacheFill(qkv, start, shape).map((t) => tf.keep(t)) as composite.KeysAndValues;
      const replace = (next: Tensor[]) => {
        tf.dispose(cache);
        cache = next.map((t) => tf.keep(t)) as composite.KeysAndValues;
      };
      return {
        attend: (row, from, at) => {
          const { out, cache: longer } = composite.decode(row, cache, from, at, shape);
          replace(longer);
          return out;
        },
        keep: (sequences) => replace(cache.map((t) => tf.gather(t, sequences as Tf.Tensor1D))),
        dispose: () => tf.dispose(cache),
      };
    }
    let cache = tf.keep(kernels.cacheFill(qkv, start, capacity, shape)[0]!);
    return {
      attend: (row, from, at) => kernels.decode(row, cache, from, tf.tensor1d([at], 'int32'), shape)[0]!,
      keep: (sequences) => {
        const fewer = tf.keep(tf.gather(cache, sequences as Tf.Tensor1D, 1));
        cache.dispose();
        cache = fewer;
      },
      dispose: () => cache.dispose(),
    };
  }

  return {
    logits: first,
    advance: (tokens) => tidy(() => {
      let x: Tensor = embed(model.embed, tf.tensor1d(Int32Array.from(tokens), 'int32'));
      model.layers.forEach((w, i) => {
        x = block(x, w, config, (packed) => caches[i]!.attend(packed, start, length), { lora: lowOf(i) });
      });
      length++;
      return output(x);
    }),
    keep: (sequences) => tidy(() => {
      const places = tf.tensor1d([...sequences], 'int32');
      const pick = (t: Tensor) => {
        const fewer = tf.keep(tf.gather(t, places));
        t.dispose();
        return fewer;
      };
      start = pick(start);
      owner &&= pick(owner);
      for (const cache of caches) cache.keep(places);
    }),
    dispose: () => {
      start.dispose();
      owner?.dispose();
      for (const cache of caches) cache.dispose();
    },
  };
}
