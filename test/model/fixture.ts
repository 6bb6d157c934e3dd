/** A model of test/fixtures/model with what transformers computes for it. */
import { join } from 'node:path';
import { tf, type Tensor } from '../../lib/dist/engine/tensorflow.js';
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import type { Model } from '../../lib/dist/model/weights.js';
import { readSafetensors } from '../../lib/dist/store/safetensors.js';

export const MODELS = ['qwen2', 'qwen2-bf16', 'qwen2-shards', 'qwen3', 'qwen3-embedding', 'llama'];

export interface Fixture {
  model: Model;
  /** Token ids, rows of different lengths. */
  rows: number[][];
  /** Of all rows one after another: [tokens, h]. */
  hidden: Tensor;
  /** [tokens, V]; absent for a model without output head. */
  logits?: Tensor;
}

export function openFixture(name: string): Fixture {
  const folder = join('test/fixtures/model', name);
  const { tensors } = readSafetensors(join(folder, 'expected.safetensors'));
  const ids = [...tensors.get('ids')!.data];
  const tensor = (key: string) => tf.tensor(tensors.get(key)!.data, tensors.get(key)!.shape);
  return {
    model: loadModel(folder),
    rows: [...tensors.get('lengths')!.data].map((n) => ids.splice(0, n)),
    hidden: tensor('hidden'),
    ...(tensors.has('logits') ? { logits: tensor('logits') } : {}),
  };
}

/** The largest absolute difference. */
export const gap = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().dataSync()[0]!;
