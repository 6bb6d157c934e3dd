/** The tiny networks of test/fixtures/hypernet: their sizes, values by rule, and what PyTorch made of them. */
import { readFileSync } from 'node:fs';
import { toTensor } from '../../lib/dist/engine/arrays.js';
import { tf, type Tensor } from '../../lib/dist/engine/tensorflow.js';
import type { State, StoredTensor } from '../../lib/dist/hypernet/released.js';
import { projections, type Adapter } from '../../lib/dist/lora/adapter.js';
import { readSafetensors, type NamedArray } from '../../lib/dist/store/safetensors.js';

export const model = { vocabSize: 50, hidden: 16, layers: 2, heads: 2, kvHeads: 1, headDim: 8, mlp: 24, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 64 };
/** Qwen2.5-Coder-1.5B, for counts: nothing of this size is allocated. */
export const qwen = { ...model, hidden: 1536, layers: 28, heads: 12, kvHeads: 2, headDim: 128, mlp: 8960 };
export const head = { input: 12, hidden: 8, rank: 2, alpha: 4 };
export const repos = 3;

const folder = new URL('../../fixtures/hypernet/', import.meta.url);
export const reference = readSafetensors(new URL('hypernet.safetensors', folder).pathname).tensors;
const names = JSON.parse(readFileSync(new URL('names.json', folder), 'utf8')) as Record<string, Record<string, [string, number[]][]>>;

/** make.py's `rule`. */
export function rule(k: number, shape: number[]): NamedArray {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * i * 31 + i * 17 + k * 101) % 1009) / 1009 - 0.5);
  return { shape, data };
}
export function inputs(k: number, shape: number[]): Tensor {
  return toTensor(rule(k, shape)).mul(2);
}

/** make.py's `fill`: a state dict under PyTorch's names. */
export function stateDict(network: string, part: string): State {
  return new Map(names[network]![part]!.map(([name, shape], k) => {
    const { data } = rule(k, shape);
    const norm = shape.length === 1 && name.endsWith('weight');
    return [name, stored({ shape, data: data.map((x) => (name.includes('scale') ? 2 * x - 3.5 : norm ? x + 1 : x)) })];
  }));
}
export const stored = (array: NamedArray): StoredTensor => ({ shape: array.shape, read: () => array });

/** A factor in all layers: [R, layers, rows, columns]. */
export const stacked = (adapter: Adapter, p: (typeof projections)[number], k: 'a' | 'b'): Tensor => tf.stack(adapter.layers.map((l) => l[p][k]), 1);

/** The linear functional whose gradients make.py wrote. */
export function functional(adapter: Adapter): Tensor {
  return tf.addN(projections.flatMap((p, i) => (['a', 'b'] as const).map((k, j) => {
    const factor = stacked(adapter, p, k);
    return factor.mul(toTensor(rule(500 + 2 * i + j, factor.shape))).sum();
  })));
}

/** Largest difference relative to the reference's largest value, so that one bound serves outputs and gradients. */
export function gap(got: NamedArray, want: NamedArray): number {
  if (got.shape.join() !== want.shape.join()) return Infinity;
  const values = Array.from(want.data);
  const size = Math.max(1e-3, ...values.map(Math.abs));
  return Math.max(...values.map((x, i) => Math.abs(x - got.data[i]!))) / size;
}
