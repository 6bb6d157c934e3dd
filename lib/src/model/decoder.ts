/**
 * Token by token through a batch with a key-value cache. Prompts are padded on the left, so that the sequences of a
 * batch stand at the same position. The cache has room for all tokens to come from the beginning, and is written in place.
 */
import { beginningsOf, decode, nextPlace, ofSequences, openCache } from '../engine/cache.js';
import { attention, embed, logits as project, places, rmsNorm } from '../engine/ops.js';
import { recorded } from '../engine/recorded.js';
import { tf, tidy, type Tensor } from '../engine/tensorflow.js';
import { filledLength } from './memory.js';
import { attentionShape, block, blockKey, flatten, ownedBy, unflatten, type LowRankLayer } from './transformer.js';
import { layerFrom, layerList, type Model } from './weights.js';

export interface Decoder {
  /** Of the token after each prompt, [B, V]. Owned by the caller. */
  logits: Tensor;
  /** Appends one token to every sequence. Returns the logits after it, [B, V], owned by the caller. */
  advance(tokens: ArrayLike<number>): Tensor;
  /** Goes on with these sequences only, by their place in the batch. */
  keep(sequences: readonly number[]): void;
  dispose(): void;
}

/** Adapters of several repositories, and whose each prompt has. */
export interface PromptAdapters {
  /** Of the last layers, one entry each, with factors [S, ...] of S repositories, or of one for all. */
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
  const time = filledLength(Math.max(...prompts.map((p) => p.length)), 16);
  const ids = new Int32Array(batch * time);
  prompts.forEach((p, b) => ids.set(p, (b + 1) * time - p.length));
  const start = tf.tensor1d(prompts.map((p) => time - p.length), 'int32');
  let owner: Tensor | undefined = adapters && tf.tensor1d([...adapters.owners], 'int32');
  const first = config.layers - (adapters?.lora.length ?? 0);
  const lowOf = (layer: number): LowRankLayer | undefined => (adapters && layer >= first ? ownedBy(adapters.lora[layer - first]!, owner!) : undefined);
  const output = (x: Tensor) => recorded(`logits ${config.rmsEps}`, [x, model.finalNorm, model.head], ([states, norm, head]) =>
    [project(rmsNorm(states!, norm!, config.rmsEps), head!)])[0]!;
  const capacity = time + newTokens;

  /** One block as recorded work: `mix` is given what of `extra` is its own. */
  function layer(
    what: string, i: number, x: Tensor, extra: readonly Tensor[], mix: (packed: Tensor, extra: readonly Tensor[]) => Tensor,
    made: () => Tensor[] = () => [], only?: Tensor,
  ): Tensor[] {
    const w = model.layers[i]!, lora = lowOf(i), weights = layerList(config, w), factors = lora ? flatten(lora) : [];
    return recorded(blockKey(what, config, lora), [x, ...extra, ...weights, ...factors, ...(only ? [only] : [])], ([input, ...rest]) => {
      const [own, ...others] = [extra.length, weights.length, factors.length].map((n) => rest.splice(0, n)) as [Tensor[], Tensor[], Tensor[]];
      const out = block(input!, layerFrom(config, others[0]), config, (packed) => mix(packed, own), { only: rest[0], lora: lora && unflatten(lora, others[1]) });
      return [out, ...made()];
    });
  }

  const opened = tidy(() => {
    const at = places(start, batch, time, shape);
    const last = tf.tensor1d(Array.from({ length: batch }, (_, b) => (b + 1) * time - 1), 'int32');
    let x: Tensor = embed(model.embed, tf.tensor1d(ids, 'int32'));
    const kept = model.layers.map((_, i) => {
      const before = x;
      let cache: Tensor[] = [];
      const [after, ...made] = tidy(() => layer(`prompts, room for ${capacity}`, i, before, at, (packed, where) => {
        const qkv = packed.reshape([batch, time, packed.shape[1]!]);
        cache = openCache(qkv, where, capacity, shape);
        return attention(qkv, where, shape).reshape([batch * time, config.heads * config.headDim]);
      }, () => cache, i === config.layers - 1 ? last : undefined));
      x = after!;
      before.dispose();
      return made.map((t) => tf.keep(t));
    });
    return { first: tf.keep(output(x)), caches: kept, beginnings: tf.keep(beginningsOf(at).clone()) };
  });
  start.dispose();
  let { caches, beginnings } = opened, length = time;

  return {
    logits: opened.first,
    advance: (tokens) => tidy(() => {
      const at = nextPlace(beginnings, length, capacity, shape);
      let x: Tensor = embed(model.embed, tf.tensor1d(Int32Array.from(tokens), 'int32'));
      model.layers.forEach((_, i) => {
        [x] = layer('next token', i, x, [...at, ...caches[i]!], (packed, own) =>
          decode(packed, own.slice(at.length), own.slice(0, at.length), shape)) as [Tensor];
      });
      length++;
      return output(x);
    }),
    keep: (sequences) => tidy(() => {
      const places = tf.tensor1d([...sequences], 'int32'), before = beginnings.shape[0]!;
      const replace = (t: Tensor, next: Tensor) => {
        tf.keep(next);
        t.dispose();
        return next;
      };
      caches = caches.map((cache) => cache.map((t) => replace(t, ofSequences(t, places, before, shape))));
      beginnings = replace(beginnings, tf.gather(beginnings, places));
      owner &&= replace(owner, tf.gather(owner, places));
    }),
    dispose: () => tf.dispose([beginnings, ...caches.flat(), ...(owner ? [owner] : [])]),
  };
}
