/**
 * CodeBLEU of Python code (Ren et al. 2020, arXiv 2009.10297), equal to `calc_codebleu` of the PyPI package `codebleu`
 * 0.7.0 with its default weights, on CPython 3.11 and tree-sitter-python 0.25.0. Two things can differ:
 * - Where the package's data-flow match depends on Python's hash seed (it lists the sources of a value in the order of
 *   a set), sources stand here in the order in which they appear.
 * - The parser weighs what it skips in broken code in bytes, of UTF-16 here and of UTF-8 there. Broken code over
 *   several lines is now and then repaired differently.
 */
import { cleanPrediction, stripComment } from '../exact-match.js';
import { withTree } from '../with-tree.js';
import { dataFlowMatch } from './data-flow.js';
import { ngramMatch, weightedNgramMatch, words } from './ngram.js';
import { stripComments, WHITE_SPACE } from './strip-comments.js';
import { syntaxMatch } from './syntax.js';

/** The four parts, each in [0, 1], and their mean. */
export interface CodeBleuParts {
  ngram: number;
  weightedNgram: number;
  syntax: number;
  /** 0 where the reference has no data flow; the total then counts it as 1, as it does every data-flow match of 0. */
  dataFlow: number;
  total: number;
}

const ends = new RegExp(`^${WHITE_SPACE}+|${WHITE_SPACE}+$`, 'gu');

/** The parts for two texts as they are. Call `await openParser()` once before. */
export function codeBleuParts(prediction: string, reference: string): CodeBleuParts {
  const ours = prediction.replace(ends, '');
  const theirs = reference.replace(ends, '');
  const ngram = ngramMatch(words(ours), words(theirs));
  const weightedNgram = weightedNgramMatch(words(ours), words(theirs));
  const [syntax, dataFlow] = withTree(stripComments(ours), (a) =>
    withTree(stripComments(theirs), (b) => [syntaxMatch(a.root, b.root), dataFlowMatch(a, b)] as const));
  return { ngram, weightedNgram, syntax, dataFlow, total: (ngram + weightedNgram + syntax + (dataFlow || 1)) / 4 };
}

/**
 * CodeBLEU as the paper's evaluation takes it, in [0, 1]: of the cleaned prediction and the reference without its
 * comment, 0 where either is empty and 1 where they are equal. Call `await openParser()` once before.
 */
export function codeBleu(prediction: string, reference: string): number {
  const ours = cleanPrediction(prediction, reference);
  const theirs = stripComment(reference);
  if (ours === '' || theirs === '') return 0;
  return ours === theirs ? 1 : codeBleuParts(ours, theirs).total;
}
