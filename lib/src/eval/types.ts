import type { AdapterKind, Track } from '../methods/method.js';

/** Evaluation suite: unseen repositories, held-out tasks of training repositories, repositories younger than all data. */
export type Suite = 'CR' | 'IR' | 'OOD';

/** What one method wrote for one task, and how it scored. Rows of `predictions.parquet`. */
export interface Prediction {
  taskId: string;
  repo: string;
  track: Track;
  suite: Suite;
  /** Position of the task's commit among its repository's kept commits; 0 in the static track. */
  commitIndex: number;
  /** `pretrained`, `single-lora`, `code2lora-static`. */
  method: string;
  /** Which adapter was applied. */
  adapter: AdapterKind;
  seed: number;
  target: string;
  prediction: string;
  /** Strict exact match: first line of the prediction equals the target; the reference is not looked at. */
  strictEM: boolean;
  /** The paper's relaxed exact match, whose clean-up looks at the reference. */
  relaxedEM: boolean;
  /** difflib ratio in [0, 1]. */
  editSimilarity: number;
  /** In [0, 1], as the `codebleu` package computes it. */
  codeBleu: number;
}

/** A mean with its 95% interval (percentile bootstrap, clustered by repository). */
export interface Interval {
  mean: number;
  low: number;
  high: number;
  tasks: number;
  repositories: number;
}
