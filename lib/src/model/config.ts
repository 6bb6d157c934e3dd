/** The shape of a decoder: nano-coder, Qwen2.5-Coder, Qwen3-Embedding and SmolLM2 (Llama) differ in these fields only. */
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
  /** Qwen2 has q/k/v biases; Qwen3 normalises every head's query and key; Llama does neither. Qwen2 when absent. */
  family?: 'qwen2' | 'qwen3' | 'llama';
  /** True where the output head has weights of its own; otherwise it is the embedding. */
  untied?: boolean;
}

/** Refuses a shape that no decoder can have, in a few words. */
export function checkShape(config: ModelConfig, refuse: (what: string) => never): void {
  const { ropeTheta: _, rmsEps: __, family: ___, untied: ____, ...counts } = config;
  for (const [name, value] of Object.entries(counts)) if (!Number.isInteger(value)) refuse(`gives ${name} as ${String(value)}, not an integer`);
  const { heads, kvHeads, headDim } = config;
  if (heads % kvHeads || headDim % 2) refuse(`${heads} heads of ${headDim} do not share ${kvHeads} key heads`);
}

/** Width of the packed queries, keys and values of one token. */
export const packedWidth = (c: ModelConfig): number => (c.heads + 2 * c.kvHeads) * c.headDim;

/** Parameters without the embedding and the output head. */
export function bodyParameters(c: ModelConfig): number {
  const qkv = packedWidth(c);
  const extra = { qwen2: qkv, qwen3: 2 * c.headDim, llama: 0 }[c.family ?? 'qwen2'];
  return c.layers * (c.hidden * qkv + extra + c.heads * c.headDim * c.hidden + 3 * c.hidden * c.mlp + 2 * c.hidden) + c.hidden;
}
