/**
 * Texts to window vectors. Windows of many texts are encoded together, sorted by length, in batches of a bounded number
 * of tokens; of a repository of any size only a pool of windows and the states of one batch are in memory. A window's
 * vector is the same to the bit whatever else is in its batch, so an interrupted run ends as an uninterrupted one.
 */
import { tf, tidy } from '../engine/tensorflow.js';
import { UserError } from '../store/errors.js';
import { filledLength } from '../model/memory.js';
import type { Embedder } from './embedder.js';
import type { WindowRecipe } from './recipe.js';
import { windowsOf } from './windows.js';

/** Batches' worth of windows that are sorted by length together. */
const POOL = 8;

export interface WindowVectors {
  /** Tokens of the whole text, whether or not a window covers them. */
  tokens: number;
  /** One a window, each [h], in the order of the text. */
  vectors: Float32Array[];
}

interface Window {
  ids: readonly number[];
  vector: Float32Array;
}

/**
 * Yields the window vectors of each text, in the order of the texts.
 * @param tick is told the tokens encoded after each batch
 * @throws UserError when the model gives values that are not finite
 */
export async function* textVectors(
  texts: Iterable<string>, embedder: Embedder, recipe: WindowRecipe, tick: (tokens: number) => void = () => {},
): AsyncGenerator<WindowVectors> {
  /** Texts that have been cut, at least in part, and the windows not yet encoded. */
  const begun: WindowVectors[] = [];
  let pool: Window[] = [], pooled = 0;
  for (const text of texts) {
    const ids = embedder.tokenizer.encode(text);
    const made: WindowVectors = { tokens: ids.length, vectors: [] };
    begun.push(made);
    for (const { from, to } of windowsOf(ids.length, recipe)) {
      const window = { ids: inputOf(ids.slice(from, to), embedder, recipe), vector: new Float32Array(embedder.hidden) };
      made.vectors.push(window.vector);
      pool.push(window);
      pooled += window.ids.length;
      if (pooled < POOL * embedder.tokensAtOnce) continue;
      await encode(pool, embedder, recipe, tick);
      pool = [];
      pooled = 0;
      // The last text may have more windows.
      yield* begun.splice(0, begun.length - 1);
    }
  }
  await encode(pool, embedder, recipe, tick);
  yield* begun;
}

/** What the model reads of a window. Decoding and encoding again can change its tokens where it cut a word. */
function inputOf(ids: readonly number[], { tokenizer }: Embedder, { endToken }: WindowRecipe): readonly number[] {
  return endToken ? tokenizer.encodeWithEnd(tokenizer.decode(ids)) : ids;
}

async function encode(windows: Window[], embedder: Embedder, { inside }: WindowRecipe, tick: (tokens: number) => void): Promise<void> {
  for (const tokens of encodeInBatches(windows, embedder, inside)) {
    tick(tokens);
    await new Promise(setImmediate);
  }
}

/** Fills the vectors of all windows, the longest first; yields the tokens of each batch. */
export function* encodeInBatches(windows: Window[], embedder: Embedder, inside: WindowRecipe['inside']): Generator<number> {
  windows.sort((a, b) => b.ids.length - a.ids.length);
  for (let at = 0; at < windows.length;) {
    const batch = windows.slice(at, at + Math.max(1, Math.floor(embedder.tokensAtOnce / filledLength(windows[at]!.ids.length, 1))));
    const rows = batchVectors(batch.map((w) => w.ids), embedder, inside);
    if (!rows.every(Number.isFinite)) {
      throw new UserError(`The encoder (${embedder.key}) gives values that are not finite: its weights are damaged, fetch or make them again.`);
    }
    batch.forEach(({ vector }, i) => { vector.set(rows.subarray(i * embedder.hidden, (i + 1) * embedder.hidden)); });
    at += batch.length;
    yield batch.reduce((n, w) => n + w.ids.length, 0);
  }
}

/** One vector a window: [B, h] row by row. The first window is the longest. */
export function batchVectors(windows: (readonly number[])[], embedder: Embedder, inside: WindowRecipe['inside']): Float32Array {
  const { tokenizer, hidden } = embedder;
  const count = windows.length, time = filledLength(windows[0]!.length, 1);
  // Padding stands on the right, where causal attention never looks: it needs no mask.
  const ids = new Int32Array(count * time).fill(tokenizer.eos);
  windows.forEach((w, i) => { ids.set(w, i * time); });
  const states = tidy(() => embedder.states(tf.tensor2d(ids, [count, time], 'int32')).dataSync() as Float32Array);
  const out = new Float32Array(count * hidden);
  windows.forEach((w, i) => { pool(states.subarray(i * time * hidden, (i * time + w.length) * hidden), hidden, inside, out.subarray(i * hidden, (i + 1) * hidden)); });
  return out;
}

/** Of a window's states [T, h] the mean, the maximum or the last, into `out` [h]: the same whatever stands beside the window. */
function pool(states: Float32Array, hidden: number, inside: WindowRecipe['inside'], out: Float32Array): void {
  if (inside === 'last') {
    out.set(states.subarray(-hidden));
    return;
  }
  const time = states.length / hidden, max = inside === 'max';
  const pooled = new Float64Array(hidden).fill(max ? -Infinity : 0);
  for (let at = 0; at < states.length; at += hidden) {
    for (let j = 0; j < hidden; j++) pooled[j] = max ? Math.max(pooled[j]!, states[at + j]!) : pooled[j]! + states[at + j]!;
  }
  for (let j = 0; j < hidden; j++) out[j] = max ? pooled[j]! : pooled[j]! / time;
}
