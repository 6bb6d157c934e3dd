/** Nearest texts by the cosine of their embeddings. */

/**
 * One vector a text, [width], all of one width: in the paper the masked mean of an embedding model's hidden states.
 * They need not have unit length. A text may be longer than the model's window; what then counts is the embedder's choice.
 */
export type Embed = (texts: string[]) => Float32Array[];

/** The part of a prefix that is searched for, in characters (paper §4.1). */
const QUERY_CHARACTERS = 2_000;

/** The end of the prefix; empty when it is blank. */
export function queryOf(prefix: string): string {
  // The cut may not part a pair of surrogates.
  const query = prefix.slice(-QUERY_CHARACTERS).replace(/^[\udc00-\udfff]/, '');
  return query.trim() ? query : '';
}

export class EmbeddingIndex {
  readonly #embed: Embed;
  /** Of unit length, or zeros. */
  readonly #vectors: Float32Array[];

  constructor(texts: string[], embed: Embed) {
    this.#embed = embed;
    this.#vectors = texts.length ? embed(texts).map(unit) : [];
  }

  /** Indices of the `k` texts nearest to `query`, nearest first; of equals the first. */
  nearest(query: string, k: number): number[] {
    if (!this.#vectors.length) return [];
    const wanted = unit(this.#embed([query])[0]!);
    return best(this.#vectors.map((vector) => dot(vector, wanted)), k);
  }
}

/** Indices of the `k` highest scores, highest first; of equals the first. */
export function best(scores: ArrayLike<number>, k: number): number[] {
  return Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, k);
}

function unit(vector: Float32Array): Float32Array {
  const norm = Math.sqrt(dot(vector, vector));
  return norm > 0 && Number.isFinite(norm) ? vector.map((x) => x / norm) : new Float32Array(vector.length);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
