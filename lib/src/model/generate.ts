/**
 * Greedy decoding of a batch with a key-value cache. Prompts are padded on the left; sequences end at different times.
 */
import { kernels } from '../engine/kernels.js';
import { attention, rmsNorm } from '../engine/ops.js';
import { onGpu, tf, tidy, type Tensor, type Tf } from '../engine/tensorflow.js';
import { attentionShape, block, hiddenStates } from './transformer.js';
import type { Model } from './weights.js';

export interface GenerateOptions {
  maxNewTokens: number;
  /** Ends a sequence and is not part of the result. */
  eos: number;
  /** Tokens that end a sequence and are part of the result: those that hold a line break, where only one line counts. */
  lastTokens: ReadonlySet<number>;
}

type T1 = Tf.Tensor1D;
type T2 = Tf.Tensor2D;

/** @returns for each prompt the generated ids, without EOS. */
export function generate(model: Model, prompts: readonly (readonly number[])[], options: GenerateOptions): number[][] {
  const batch = prompts.length;
  const time = Math.ceil(Math.max(...prompts.map((p) => p.length)) / 32) * 32;
  const ids = new Int32Array(batch * time).fill(options.eos);
  prompts.forEach((p, b) => ids.set(p, (b + 1) * time - p.length));
  const start = tf.tensor1d(prompts.map((p) => time - p.length), 'int32');
  const step = onGpu ? recompute(model, ids, start, time) : cached(model, ids, start, time, options.maxNewTokens);
  const out: number[][] = prompts.map(() => []);
  const open = new Set(out.keys());
  let next = step.first;
  for (let n = 0; ; n++) {
    for (const b of [...open]) {
      const token = next[b]!;
      if (token !== options.eos) out[b]!.push(token);
      if (token === options.eos || options.lastTokens.has(token)) open.delete(b);
    }
    if (!open.size || n + 1 >= options.maxNewTokens) break;
    next = step.advance(next, time + n);
  }
  step.dispose();
  start.dispose();
  return out;
}

interface Decoder {
  first: Int32Array;
  /** @param length tokens before this one */
  advance(tokens: Int32Array, length: number): Int32Array;
  dispose(): void;
}

const argmax = (model: Model, hidden: Tensor): Int32Array =>
  tf.matMul(hidden as T2, model.embed as T2, false, true).argMax(-1).dataSync() as Int32Array;

function cached(model: Model, ids: Int32Array, start: Tensor, time: number, maxNewTokens: number): Decoder {
  const { config } = model, shape = attentionShape(config), batch = ids.length / time;
  const { first, caches } = tidy(() => {
    const kept: Tensor[] = [];
    let x: Tensor = tf.gather(model.embed, tf.tensor1d(ids, 'int32'));
    for (const w of model.layers) {
      x = block(x, w, config, (packed) => {
        const qkv = packed.reshape([batch, time, packed.shape[1]!]);
        kept.push(kernels.cacheFill(qkv, start, time + maxNewTokens, shape)[0]!);
        return attention(qkv, start, shape).reshape([batch * time, config.heads * config.headDim]);
      });
    }
    const last = tf.gather(x, tf.tensor1d(Array.from({ length: batch }, (_, b) => (b + 1) * time - 1), 'int32'));
    return { first: argmax(model, rmsNorm(last, model.finalNorm, config.rmsEps)), caches: kept };
  });
  return {
    first,
    advance: (tokens, length) => tidy(() => {
      const at = tf.tensor1d([length], 'int32');
      let x: Tensor = tf.gather(model.embed, tf.tensor1d(tokens, 'int32') as T1);
      model.layers.forEach((w, i) => {
        x = block(x, w, config, (packed) => kernels.decode(packed, caches[i]!, start, at, shape)[0]!);
      });
      return argmax(model, rmsNorm(x, model.finalNorm, config.rmsEps));
    }),
    dispose: () => tf.dispose(caches),
  };
}

/** Without a cache, for devices that our kernels do not serve: the whole sequence again for each token. */
function recompute(model: Model, ids: Int32Array, start: Tensor, time: number): Decoder {
  const batch = ids.length / time;
  const rows: number[][] = Array.from({ length: batch }, (_, b) => Array.from(ids.subarray(b * time, (b + 1) * time)));
  const predict = () => tidy(() => {
    const length = rows[0]!.length;
    const states = hiddenStates(model, tf.tensor2d(rows, [batch, length], 'int32'), { start });
    return argmax(model, tf.gather(states, tf.tensor1d(rows.map((_, b) => (b + 1) * length - 1), 'int32')));
  });
  return {
    first: predict(),
    advance: (tokens) => {
      rows.forEach((row, b) => row.push(tokens[b]!));
      return predict();
    },
    dispose: () => {},
  };
}
