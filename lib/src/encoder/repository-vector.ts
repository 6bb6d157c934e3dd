/**
 * A repository as one vector (paper §3.1): files -> windows of tokens -> frozen model -> mean over a window's tokens ->
 * mean over a file's windows -> [mean; max] over files, L2-normalised. Test files are never read.
 *
 * At mini scale the frozen base model is its own encoder, and a repository is read in part: `maxFiles` files, chosen
 * by the hash of their path so that the choice does not depend on the file system, `maxWindows` windows of each.
 */
import { tf, tidy, type Tensor } from '../engine/tensorflow.js';
import { sourceFiles } from '../data/tests-files.js';
import type { Repository } from '../data/types.js';
import { hiddenStates } from '../model/transformer.js';
import type { Model } from '../model/weights.js';
import { sha256 } from '../store/hash.js';
import type { Tokenizer } from '../text/tokenizer.js';

export interface EncoderConfig {
  /** Tokens a window; windows of one file overlap by `overlap`. */
  window: number;
  overlap: number;
  /** A shorter last window is left out, unless it is the only one. */
  minTail: number;
  maxWindows: number;
  maxFiles: number;
}

/** Windows encoded at once. */
const BATCH = 32;

export interface RepositoryVector {
  /** [2h], unit length; zeros when no file could be read. */
  vector: Float32Array;
  files: number;
  tokens: number;
}

/** @param model its final hidden states are the token vectors */
export function repositoryVector(repo: Repository, model: Model, tokenizer: Tokenizer, config: EncoderConfig): RepositoryVector {
  const files = sourceFiles(repo)
    .map((f) => ({ text: Buffer.from(f.bytes).toString('utf8'), key: sha256(f.path) }))
    .filter((f) => f.text.trim())
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .slice(0, config.maxFiles);
  const windows: { file: number; ids: number[] }[] = [];
  files.forEach((f, file) => {
    // Only the part of a long file that can fill its windows is tokenised: at most 8 characters a token are kept.
    const ids = tokenizer.encode(f.text.slice(0, config.maxWindows * config.window * 8));
    for (const window of cut(ids, config)) windows.push({ file, ids: window });
  });
  const hidden = model.config.hidden;
  const sums = files.map(() => ({ total: new Float32Array(hidden), windows: 0 }));
  windows.sort((a, b) => a.ids.length - b.ids.length);
  for (let at = 0; at < windows.length; at += BATCH) {
    const some = windows.slice(at, at + BATCH);
    const means = windowMeans(some.map((w) => w.ids), model, tokenizer.eos);
    some.forEach((w, i) => {
      const sum = sums[w.file]!;
      for (let j = 0; j < hidden; j++) sum.total[j]! += means[i * hidden + j]!;
      sum.windows++;
    });
  }
  const fileVectors = sums.filter((s) => s.windows).map((s) => s.total.map((x) => x / s.windows));
  return {
    vector: poolFiles(fileVectors, hidden),
    files: fileVectors.length,
    tokens: windows.reduce((n, w) => n + w.ids.length, 0),
  };
}

function cut(ids: number[], { window, overlap, minTail, maxWindows }: EncoderConfig): number[][] {
  const out: number[][] = [];
  for (let at = 0; at < ids.length && out.length < maxWindows; at += window - overlap) {
    const part = ids.slice(at, at + window);
    if (part.length >= minTail || !out.length) out.push(part);
  }
  return out;
}

/** Masked mean of the final hidden states of each window: [n, h] row by row. */
function windowMeans(windows: number[][], model: Model, pad: number): Float32Array {
  return tidy(() => {
    const time = Math.max(...windows.map((w) => w.length));
    const ids = tf.tensor2d(windows.flatMap((w) => [...w, ...Array<number>(time - w.length).fill(pad)]), [windows.length, time], 'int32');
    // Padding stands on the right, where causal attention never looks: it needs no mask but here.
    const mask = tf.tensor2d(windows.flatMap((w) => Array.from({ length: time }, (_, i) => (i < w.length ? 1 / w.length : 0))), [windows.length, time]);
    const states = hiddenStates(model, ids).reshape([windows.length, time, model.config.hidden]);
    return (tf.matMul(mask.expandDims(1), states) as Tensor).dataSync() as Float32Array;
  });
}

/** [mean; max] over files, to unit length. */
export function poolFiles(files: Float32Array[], hidden: number): Float32Array {
  const out = new Float32Array(2 * hidden);
  if (!files.length) return out;
  for (let j = 0; j < hidden; j++) {
    let sum = 0, max = -Infinity;
    for (const f of files) {
      sum += f[j]!;
      max = Math.max(max, f[j]!);
    }
    out[j] = sum / files.length;
    out[hidden + j] = max;
  }
  const norm = Math.sqrt(out.reduce((s, x) => s + x * x, 0));
  return out.map((x) => x / norm);
}
