/**
 * What a family of assertions is: which calls belong to it, and where prefix ends and target begins in one of them.
 *
 * A target is always literal source. Where the paper's table rebuilds text that is not in the file (an argument and ")"
 * although a message or keyword stands between them), the candidate is dropped as `not_literal` and counted.
 */
import type { Node } from 'web-tree-sitter';
import type { AssertionFamily } from '../types.js';

/** Why an assertion gives no target. */
export type CutReason = 'not_comparison' | 'too_few_arguments' | 'not_literal' | 'comment_in_target';

/** A target: UTF-16 indices into the text, and the expression it starts with. */
export interface Cut {
  start: number;
  end: number;
  value: Node;
}

/** A call by the name it is called with: `pytest.raises` has base `pytest`, and a bare name has base null. */
export interface Callee {
  base: Node | null;
  name: string;
}

export interface CallFamily {
  family: AssertionFamily;
  accepts(callee: Callee): boolean;
  cut(call: CallArguments): Cut | CutReason;
}

/** The arguments of a call in source order, and the name it is called with. */
export interface CallArguments {
  name: string;
  positional: Node[];
  keywords: Node[];
  /** Index just behind the closing parenthesis. */
  end: number;
}

/** The arguments of a `call` node. A lone generator, whose parentheses are the call's own, counts as no argument. */
export function callArguments(call: Node, name: string): CallArguments {
  const list = call.childForFieldName('arguments');
  const positional: Node[] = [];
  const keywords: Node[] = [];
  if (list?.type === 'argument_list') {
    for (const child of list.namedChildren) {
      if (isExtra(child)) continue;
      (child.type === 'keyword_argument' || child.type === 'dictionary_splat' ? keywords : positional).push(child);
    }
  }
  return { name, positional, keywords, end: call.endIndex };
}

/** Comments and backslash continuations may stand between any two children. */
export function isExtra(node: Node): boolean {
  return node.type === 'comment' || node.type === 'line_continuation';
}

/** From `first` to the closing parenthesis, when `last` is the call's last argument; else the text is not literal. */
export function toClosingParenthesis(call: CallArguments, first: Node, last: Node): Cut | CutReason {
  const rest = [...call.positional, ...call.keywords].some((node) => node.startIndex > last.startIndex);
  return rest ? 'not_literal' : { start: first.startIndex, end: call.end, value: first };
}

/** The exception or first argument, its keyword arguments and the closing parenthesis. */
export function firstWithKeywords(call: CallArguments): Cut | CutReason {
  const [first, second] = call.positional;
  if (!first) return 'too_few_arguments';
  if (second) return 'not_literal';
  return toClosingParenthesis(call, first, call.keywords.at(-1) ?? first);
}

/** The last positional argument and the closing parenthesis, of at least `least` arguments. */
export function lastPositional(call: CallArguments, least: number): Cut | CutReason {
  const last = call.positional.at(-1);
  if (!last || call.positional.length < least) return 'too_few_arguments';
  return toClosingParenthesis(call, last, last);
}
