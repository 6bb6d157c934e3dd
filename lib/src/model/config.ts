/** The shape of a Qwen-family decoder: nano-coder, Qwen2.5-Coder and Qwen3-Embedding differ in these fields only. */
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
  /** Qwen3 normalises every head's query and key and has no q/k/v bias; Qwen2 is the reverse. Qwen2 when absent. */
  family?: 'qwen2' | 'qwen3';
  /** True where the output head has weights of its own; otherwise it is the embedding. */
  untied?: boolean;
}

/** Width of the packed queries, keys and values of one token. */
export const packedWidth = (c: ModelConfig): number => (c.heads + 2 * c.kvHeads) * c.headDim;

/** Parameters without the embedding and the output head. */
export function bodyParameters(c: ModelConfig): number {
  const qkv = packedWidth(c);
  const extra = c.family === 'qwen3' ? 2 * c.headDim : qkv;
  return c.layers * (c.hidden * qkv + extra + c.heads * c.headDim * c.hidden + 3 * c.hidden * c.mlp + 2 * c.hidden) + c.hidden;
}
