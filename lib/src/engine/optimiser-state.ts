/** What a checkpoint holds of an optimiser: each parameter under its name, and its moments under `m.` and `v.`. */
import type { NamedArray } from '../store/safetensors.js';
import type { AdamW } from './adamw.js';
import { owned, toArray, toTensor } from './arrays.js';
import type { Tensor } from './tensorflow.js';

const lists = (o: AdamW): [prefix: string, list: Tensor[]][] => [['', o.parameters], ['m.', o.m], ['v.', o.v]];

export function optimiserState(optimiser: AdamW, names: readonly string[]): Map<string, NamedArray> {
  return new Map(lists(optimiser).flatMap(([prefix, list]) => names.map((n, i) => [prefix + n, toArray(list[i]!)] as const)));
}

/** Puts stored values in place of the optimiser's; its step count is the caller's to set. */
export function restoreOptimiser(optimiser: AdamW, names: readonly string[], tensors: ReadonlyMap<string, NamedArray>): void {
  for (const [prefix, list] of lists(optimiser)) {
    names.forEach((n, i) => {
      list[i]!.dispose();
      list[i] = owned(toTensor(tensors.get(prefix + n)!));
    });
  }
}
