/**
 * nano-coder's vocabulary: the part of Qwen's that Python code uses most. Its tokenizer splits text as Qwen's does,
 * with fewer merges: the most used ones, closed under their parts, and all 256 bytes.
 */
type Merge = [string, string];
export interface TokenizerJson {
  model: { vocab: Record<string, number>; merges: Merge[] };
  added_tokens: { id: number; content: string; special: boolean }[];
  [other: string]: unknown;
}

/**
 * @param full Qwen's tokenizer.json
 * @param counts how often each of its tokens occurs in a sample of the text to come
 * @param size tokens of the result, `<|endoftext|>` included
 */
export function deriveVocabulary(full: TokenizerJson, counts: ReadonlyMap<string, number>, size: number): TokenizerJson {
  const { vocab, merges } = full.model;
  const parts = new Map<string, Merge>();
  for (const merge of merges) {
    const made = merge[0] + merge[1];
    if (!parts.has(made)) parts.set(made, merge);
  }
  // A token is used whenever anything built from it is: add each count to all parts, largest merges first.
  const used = new Map<string, number>();
  for (const [token, n] of counts) used.set(token, n);
  for (let i = merges.length - 1; i >= 0; i--) {
    const merge = merges[i]!, made = merge[0] + merge[1];
    if (parts.get(made) !== merge) continue;
    const n = used.get(made) ?? 0;
    for (const part of merge) used.set(part, (used.get(part) ?? 0) + n);
  }
  const bytes = Object.keys(vocab).filter((t) => [...t].length === 1 && !parts.has(t)).sort((a, b) => vocab[a]! - vocab[b]!);
  const rank = new Map(merges.map((m, i) => [m[0] + m[1], i]));
  const kept = [...parts.keys()]
    .filter((t) => (used.get(t) ?? 0) > 0)
    // A part counts at least as much as what is built from it; equal counts keep the part by its earlier rank.
    .sort((a, b) => used.get(b)! - used.get(a)! || rank.get(a)! - rank.get(b)!)
    .slice(0, size - bytes.length - 1)
    .sort((a, b) => rank.get(a)! - rank.get(b)!);
  const tokens = [...bytes, ...kept];
  return {
    ...full,
    added_tokens: [{ ...full.added_tokens.find((t) => t.content === '<|endoftext|>')!, id: tokens.length }],
    model: { ...full.model, vocab: Object.fromEntries(tokens.map((t, i) => [t, i])), merges: kept.map((t) => parts.get(t)!) },
  };
}
