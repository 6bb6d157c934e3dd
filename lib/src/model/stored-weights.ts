/** A model's tensors on disk, by Hugging Face's names, whatever file they lie in. */
import type { NamedArray } from '../store/safetensors.js';

export interface StoredWeights {
  names: ReadonlySet<string>;
  read(name: string): NamedArray;
  /** Whether the tensor is stored as bfloat16. */
  half(name: string): boolean;
  close(): void;
}
