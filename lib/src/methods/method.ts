/**
 * What a method is. It either leaves the frozen model as it is, or gives it an adapter for each repository; prompt,
 * lengths, EOS rule, decoding and scores are the same for all.
 */
import type { Model } from '../model/weights.js';
import type { AdapterWriter } from '../train/train-adapter.js';
import type { LearningConfig } from '../profiles.js';

/** What a method may know when it is built. */
export interface MethodContext {
  model: Model;
  /** Repository vectors by id: [2h], computed from non-test files only. */
  vectors: ReadonlyMap<string, Float32Array>;
  learning: LearningConfig;
  seed: number;
}

export interface Method {
  name: string;
  /** Which adapters are evaluated: a method that writes one for each repository also answers with both controls. */
  adapters: readonly ('none' | 'own' | 'other' | 'average')[];
  /** Builds what is trained; absent where nothing is. */
  writer?(context: MethodContext): AdapterWriter;
  learningRate?(learning: LearningConfig): number;
}

