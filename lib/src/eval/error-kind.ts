/**
 * In which way an answer is wrong: the paper's seven kinds of errors, the first that fits, in its order. The paper
 * names the kinds and the order but leaves open how some are told apart; what is decided here stands at each rule.
 */
import type { Node } from 'web-tree-sitter';
import { editSimilarity } from './edit-similarity.js';
import { cleanPrediction, relaxedExactMatch, stripComment } from './exact-match.js';
import { withTree } from './with-tree.js';

export const errorKinds = ['empty', 'hallucination', 'near-miss', 'syntax', 'identifier', 'literal', 'type'] as const;
export type ErrorKind = (typeof errorKinds)[number];

/** One piece of text eight times or more in a row. */
const REPETITION = /(.{1,40}?)\1{7,}/gsu;

/**
 * What stands before a target in its assertion: the operand of a comparison, or an argument of a call (such a target
 * holds the closing bracket of the call).
 */
const OPERAND = 'assert x == ';
const ARGUMENT = 'f(';

const literalTypes = ['string', 'integer', 'float', 'true', 'false', 'none', 'unary_operator'];

/**
 * The kind of error, or undefined where the answer is right by the paper's relaxed exact match. Length and likeness are
 * those of the cleaned texts; the last four kinds look at the first line as it was written, because the clean-up cuts
 * `f(1, 2)` at its comma where the target has none. Call `await openParser()` once before.
 */
export function errorKind(prediction: string, target: string): ErrorKind | undefined {
  if (relaxedExactMatch(prediction, target)) return undefined;
  const cleaned = cleanPrediction(prediction, target);
  const expected = stripComment(target);
  if (cleaned === '') return 'empty';
  if ([...cleaned].length > Math.max(100, 3 * [...expected].length)) return 'hallucination';
  if (isRepetitive(cleaned) && !isRepetitive(expected)) return 'hallucination';
  if (editSimilarity(prediction, target) > 0.8) return 'near-miss';
  const operand = readAnswer(OPERAND, target.trim());
  const theirs = operand ?? readAnswer(ARGUMENT, target.trim());
  // The line ends where a special token stands.
  const ours = readAnswer(theirs && !operand ? ARGUMENT : OPERAND, prediction.split(/\n|<\|/, 1)[0]!.trim());
  if (!ours) return 'syntax';
  return theirs ? difference(ours, theirs) : 'type';
}

/** Repetitions make up more than half of the text. */
function isRepetitive(text: string): boolean {
  return (text.match(REPETITION) ?? []).some((run) => run.length > text.length / 2);
}

/** One expression of an answer: its kind, and the names and literals in it from left to right. */
interface Expression {
  kind: string;
  names: string[];
  literals: string[];
}

/**
 * Of the same number of expressions of the same kinds: `identifier` where other names stand in them, `literal` where
 * the names agree and literals do not. `type` is everything else: another kind of expression, or another operator.
 */
function difference(ours: readonly Expression[], theirs: readonly Expression[]): ErrorKind {
  // What a model writes after the answer (a message, say) is not compared.
  const answer = ours.slice(0, theirs.length);
  const differs = (of: (expression: Expression) => string | string[]): boolean =>
    JSON.stringify(answer.map(of)) !== JSON.stringify(theirs.map(of));
  if (differs(({ kind }) => kind)) return 'type';
  if (differs(({ names }) => names)) return 'identifier';
  return differs(({ literals }) => literals) ? 'literal' : 'type';
}

/** The expressions of `text` where `context` stands before it; null when that is no Python. */
function readAnswer(context: string, text: string): Expression[] | null {
  const code = context === ARGUMENT ? throughClosing(context + text) : context + text;
  return withTree(code, ({ root }) => {
    if (root.hasError) return null;
    if (context === OPERAND) return [expression(outermostAt(root, context.length))];
    const list = root.descendantsOfType('call')[0]!.childForFieldName('arguments')!;
    // A generator stands in a call without a list around it.
    return list.type === 'argument_list' ? list.namedChildren.map(expression) : [expression(list)];
  });
}

/** Code up to the bracket that closes the first one: what follows a call is not part of the answer. */
function throughClosing(code: string): string {
  return withTree(code, ({ root }) => {
    let depth = 0;
    for (const bracket of root.descendantsOfType(['(', '[', '{', ')', ']', '}'])) {
      depth += '([{'.includes(bracket.type) ? 1 : -1;
      if (depth === 0) return code.slice(0, bracket.endIndex);
    }
    return code;
  });
}

/** The largest node that starts at an index. */
function outermostAt(root: Node, index: number): Node {
  let node = root.descendantForIndex(index)!;
  while (node.parent && node.parent.startIndex === index) node = node.parent;
  return node;
}

function expression(node: Node): Expression {
  return {
    kind: kindOf(node),
    names: node.descendantsOfType('identifier').map(({ text }) => text),
    literals: node.descendantsOfType(literalTypes).map(({ text }) => text),
  };
}

/** The grammar's name of a node, with alike ones under one name: `name`, `string`, `bytes`, `number`, `boolean`. */
function kindOf(node: Node): string {
  switch (node.type) {
    case 'parenthesized_expression':
      return kindOf(node.namedChildren[0]!);
    case 'identifier':
    case 'attribute':
      return 'name';
    case 'string':
    case 'concatenated_string':
      return /^[rR]?[bB]/.test(node.text) ? 'bytes' : 'string';
    case 'integer':
    case 'float':
      return 'number';
    case 'true':
    case 'false':
      return 'boolean';
    case 'unary_operator':
      return kindOf(node.childForFieldName('argument')!) === 'number' ? 'number' : node.type;
    default:
      return node.type;
  }
}
