/** Edit similarity as the paper measures it: the ratio of Python's difflib.SequenceMatcher, equal to it digit by digit. */
import { cleanPrediction, stripComment } from './exact-match.js';

/** difflib leaves characters that make up over 1% of a text this long out of its search (its "autojunk" rule). */
const AUTOJUNK_LENGTH = 200;

function positionsByCharacter(text: readonly string[]): Map<string, number[]> {
  const positions = new Map<string, number[]>();
  text.forEach((character, j) => {
    const list = positions.get(character);
    if (list) list.push(j);
    else positions.set(character, [j]);
  });
  if (text.length >= AUTOJUNK_LENGTH) {
    const limit = Math.floor(text.length / 100) + 1;
    for (const [character, list] of positions) if (list.length > limit) positions.delete(character);
  }
  return positions;
}

/**
 * 2M / T, where T counts the code points of both texts and M those in matching blocks, found as difflib finds them:
 * the longest block first, then the same to its left and to its right. In [0, 1]; 1 for two empty texts.
 * Not symmetric, like difflib: the autojunk rule looks at `b`.
 */
export function sequenceRatio(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  const total = left.length + right.length;
  if (total === 0) return 1;
  const positions = positionsByCharacter(right);
  // run[j + 1] is the length of the match that ends at the current character of `left` and at right[j].
  let run = new Int32Array(right.length + 1);
  let next = new Int32Array(right.length + 1);
  let matched = 0;
  const open: [number, number, number, number][] = [[0, left.length, 0, right.length]];
  for (let range = open.pop(); range; range = open.pop()) {
    const [fromA, toA, fromB, toB] = range;
    let bestA = fromA;
    let bestB = fromB;
    let size = 0;
    run.fill(0, fromB, toB + 1);
    next.fill(0, fromB, toB + 1);
    let written: number[] = [];
    for (let i = fromA; i < toA; i++) {
      const before = written;
      written = [];
      for (const j of positions.get(left[i]!) ?? []) {
        if (j < fromB) continue;
        if (j >= toB) break;
        const length = run[j]! + 1;
        next[j + 1] = length;
        written.push(j + 1);
        if (length > size) {
          bestA = i - length + 1;
          bestB = j - length + 1;
          size = length;
        }
      }
      for (const index of before) run[index] = 0;
      [run, next] = [next, run];
    }
    // Characters that the search left out may still lengthen the block.
    while (bestA > fromA && bestB > fromB && left[bestA - 1] === right[bestB - 1]) {
      bestA--;
      bestB--;
      size++;
    }
    while (bestA + size < toA && bestB + size < toB && left[bestA + size] === right[bestB + size]) size++;
    if (size === 0) continue;
    matched += size;
    if (fromA < bestA && fromB < bestB) open.push([fromA, bestA, fromB, bestB]);
    if (bestA + size < toA && bestB + size < toB) open.push([bestA + size, toA, bestB + size, toB]);
  }
  return (2 * matched) / total;
}

/** Ratio of the cleaned prediction to the reference without its comment, in [0, 1]. */
export function editSimilarity(prediction: string, reference: string): number {
  return sequenceRatio(cleanPrediction(prediction, reference), stripComment(reference));
}
