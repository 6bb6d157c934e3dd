/**
 * The two n-gram parts of CodeBLEU (Ren et al. 2020, arXiv 2009.10297, section 3.1) over tokens between white space:
 * BLEU-4, and the weighted n-gram match, which counts from the reference's side and gives keywords five times the
 * weight of other words.
 */
import { WHITE_SPACE } from './strip-comments.js';

const ORDERS = [1, 2, 3, 4];
/** Counts instead of 0 matches of an order (Chen and Cherry 2014, smoothing 1). */
const EPSILON = 0.1;
const OTHER_WEIGHT = 0.2;
const keywords = new Set((
  'False None True and as assert async await break class continue def del elif else except finally for from global if ' +
  'import in is lambda nonlocal not or pass raise return try while with yield match case type').split(' '));

const separator = new RegExp(`${WHITE_SPACE}+`, 'u');

/** Words between white space, as Python's `str.split()`. */
export function words(code: string): string[] {
  return code.split(separator).filter((word) => word !== '');
}

function counts(tokens: readonly string[], order: number): Map<string, number> {
  const out = new Map<string, number>();
  for (let i = 0; i + order <= tokens.length; i++) {
    const ngram = tokens.slice(i, i + order).join(' ');
    out.set(ngram, (out.get(ngram) ?? 0) + 1);
  }
  return out;
}

/** Sum over the n-grams of `a` of weight × count; with `b`, of the part of the count that `b` has too. */
function total(a: Map<string, number>, weight: (ngram: string) => number, b?: Map<string, number>): number {
  let sum = 0;
  for (const [ngram, count] of a) sum += weight(ngram) * (b ? Math.min(count, b.get(ngram) ?? 0) : count);
  return sum;
}

/** Geometric mean of matched / possible over the four orders, times the brevity penalty; 0 where no word matches. */
function bleu(orders: readonly { matched: number; possible: number }[], predicted: number, expected: number): number {
  if (orders[0]!.matched === 0) return 0;
  const logarithms = orders.map(({ matched, possible }) => Math.log((matched || EPSILON) / Math.max(1, possible)));
  const brevity = predicted > expected ? 1 : Math.exp(1 - expected / predicted);
  return brevity * Math.exp(logarithms.reduce((a, b) => a + b, 0) / orders.length);
}

/** BLEU-4 of the prediction's words against the reference's, in [0, 1]. */
export function ngramMatch(prediction: readonly string[], reference: readonly string[]): number {
  const orders = ORDERS.map((order) => {
    const ours = counts(prediction, order);
    return { matched: total(ours, () => 1, counts(reference, order)), possible: total(ours, () => 1) };
  });
  return bleu(orders, prediction.length, reference.length);
}

/**
 * As `ngramMatch`, but the share of the reference's n-grams that the prediction has, and single words weighted.
 * The package measures its reference for the brevity penalty as a pair of words and weights: always of length 2.
 */
export function weightedNgramMatch(prediction: readonly string[], reference: readonly string[]): number {
  const orders = ORDERS.map((order) => {
    const weight = (ngram: string) => (order > 1 || keywords.has(ngram) ? 1 : OTHER_WEIGHT);
    const theirs = counts(reference, order);
    return { matched: total(theirs, weight, counts(prediction, order)), possible: total(theirs, weight) };
  });
  return bleu(orders, prediction.length, 2);
}
