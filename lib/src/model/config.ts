/** The shape of a Qwen2-family decoder: Qwen2.5-Coder and nano-coder differ in these numbers only. */
export interface ModelConfig {
  vocabSize: number;
  hidden: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  mlp: number;
  ropeTheta: number;
  rmsEps: number;
  /** Longest sequence the model was trained on, in tokens. */
  maxTokens: number;
}

/** Parameters without the (tied) embedding. */
export function bodyParameters(c: ModelConfig): number {
  const qkv = (c.heads + 2 * c.kvHeads) * c.headDim;
  return c.layers * (c.hidden * qkv + qkv + c.heads * c.headDim * c.hidden + 3 * c.hidden * c.mlp + 2 * c.hidden) + c.hidden;
}
