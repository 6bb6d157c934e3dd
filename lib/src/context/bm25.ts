/** Okapi BM25: which documents share the rare words of a query (Robertson and Zaragoza 2009). */

const K1 = 1.5;
const B = 0.75;

/** The words of code: names and numbers, in lower case. */
export function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
}

/**
 *     score(D, Q) = sum over words q of Q, each time it occurs, of
 *         idf(q) · tf(q, D) · (k1 + 1) / (tf(q, D) + k1 · (1 − b + b · |D| / mean |D|))
 *     idf(q) = ln(1 + (N − n(q) + 0.5) / (n(q) + 0.5))
 *
 * where n(q) of N documents hold q. The 1 under the logarithm keeps a word of most documents from counting against them.
 */
export class Bm25 {
  /** Documents that hold a word, with its count there. */
  readonly #postings = new Map<string, Map<number, number>>();
  readonly #lengths: number[];
  readonly #meanLength: number;

  /** @param documents the words of each */
  constructor(documents: readonly (readonly string[])[]) {
    this.#lengths = documents.map((document) => document.length);
    this.#meanLength = this.#lengths.reduce((sum, n) => sum + n, 0) / documents.length;
    documents.forEach((document, i) => {
      for (const word of document) {
        let posting = this.#postings.get(word);
        if (!posting) this.#postings.set(word, posting = new Map());
        posting.set(i, (posting.get(i) ?? 0) + 1);
      }
    });
  }

  /** The score of every document, 0 where it shares no word with the query: [documents]. */
  scores(query: readonly string[]): Float64Array {
    const scores = new Float64Array(this.#lengths.length);
    for (const word of query) {
      const posting = this.#postings.get(word);
      if (!posting) continue;
      const idf = Math.log(1 + (scores.length - posting.size + 0.5) / (posting.size + 0.5));
      for (const [i, count] of posting) {
        const length = K1 * (1 - B + (B * this.#lengths[i]!) / this.#meanLength);
        scores[i]! += (idf * count * (K1 + 1)) / (count + length);
      }
    }
    return scores;
  }
}
