import type { AdapterKind, Track } from '../methods/method.js';

/** Evaluation suite: unseen repositories, held-out tasks of training repositories, repositories younger than all data. */
export type Suite = 'CR' | 'IR' | 'OOD';

/** One task, answered by one method under one of its adapters. */
export interface Answered {
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
}

/** How probable its target was. Rows of `likelihoods.parquet`, of more tasks than are decoded. */
export interface Likelihood extends Answered {
  /** Negative log-likelihood of the target's own tokens, without EOS, in nats. */
  targetNats: number;
  targetTokens: number;
  /** Of EOS after the target. */
  eosNats: number;
}

/** What was written, and how it scored. Rows of `predictions.parquet`, which have the likelihood as well once it was taken. */
export interface Prediction extends Answered, Partial<Pick<Likelihood, 'targetNats' | 'targetTokens' | 'eosNats'>> {
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
  /** Training seeds. */
  seeds: number;
}
