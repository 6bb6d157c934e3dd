/** What one method wrote for one task, and how it scored. Rows of `predictions.parquet`. */
export interface Prediction {
  taskId: string;
  repo: string;
  /** Evaluation suite: cross-repository test or in-repository test. */
  suite: 'CR' | 'IR';
  /** `pretrained`, `single-lora`, `code2lora-static`. */
  method: string;
  /** Which adapter was applied: none, the method's own, another repository's, or the average of all training adapters. */
  adapter: 'none' | 'own' | 'other' | 'average';
  seed: number;
  target: string;
  prediction: string;
  /** Strict exact match: first line of the prediction equals the target; the reference is not looked at. */
  strictEM: boolean;
  /** The paper's relaxed exact match, whose clean-up looks at the reference. */
  relaxedEM: boolean;
  /** difflib ratio in [0, 1]. */
  editSimilarity: number;
}

/** A mean with its 95% interval (percentile bootstrap, clustered by repository). */
export interface Interval {
  mean: number;
  low: number;
  high: number;
  tasks: number;
  repositories: number;
}
