/**
 * All assertions of a Python file (paper §2.2): each is either a target to complete or a reason why it is none.
 * The families' order matters: a call belongs to the first that accepts it.
 */
import type { Node, Tree } from 'web-tree-sitter';
import { matches, type PythonSource } from '../python.js';
import type { AssertionFamily, TargetKind } from '../types.js';
import { cutAssert } from './assert.js';
import { callArguments, type CallFamily, type Cut, type CutReason } from './family.js';
import { numpyLike } from './numpy.js';
import { pytestApprox } from './pytest-approx.js';
import { pytestRaises } from './pytest-raises.js';
import { targetKind } from './target-kind.js';
import { unittest } from './unittest.js';

const CALL_FAMILIES: CallFamily[] = [unittest, pytestRaises, pytestApprox, numpyLike];

/** A function or class around an assertion. */
export interface Scope {
  kind: 'function' | 'class';
  name: string;
  node: Node;
  start: number;
  end: number;
}

/** One assertion, the scopes around it from the outside in, and what can be completed in it. */
export interface Assertion {
  family: AssertionFamily;
  /** The `assert` statement or the call. */
  node: Node;
  scopes: Scope[];
  cut: (Omit<Cut, 'value'> & { kind: TargetKind }) | CutReason | 'syntax_error';
}

const PATTERN = `
  (assert_statement) @assert
  (call function: (identifier) @call)
  (call function: (attribute attribute: (identifier) @method))
  (function_definition name: (identifier) @name) @function
  (class_definition name: (identifier) @name) @class
  (ERROR) @error`;

/** A file without this text has no assertion; most source files need not be parsed. */
export const MAY_ASSERT = /assert|pytest/;

/**
 * Assertions in source order. Nodes live as long as `tree`.
 * @param plain whether asserts without a comparison have their whole expression as target
 */
export function findAssertions(source: PythonSource, tree: Tree, plain = false): Assertion[] {
  const scopes: Scope[] = [];
  const errors: Node[] = [];
  const found: { family: AssertionFamily; node: Node; cut: () => Cut | CutReason }[] = [];
  for (const match of matches(PATTERN, tree.rootNode)) {
    const node = match.captures[0]!.node;
    switch (match.captures[0]!.name) {
      case 'assert':
        found.push({ family: 'assert', node, cut: () => cutAssert(node, plain) });
        break;
      case 'error':
        errors.push(node);
        break;
      case 'call':
      case 'method': {
        // Most calls are no assertions: they are told by the text alone, without another question to the parser.
        const start = node.startIndex;
        if (!source.text.startsWith('assert', start) && !source.text.startsWith('pytest.', start - 7)) break;
        const method = match.captures[0]!.name === 'method' ? node.parent : null;
        const call = (method ?? node).parent;
        const callee = { base: method?.childForFieldName('object') ?? null, name: node.text };
        const family = CALL_FAMILIES.find((candidate) => candidate.accepts(callee));
        if (call && family) found.push({ family: family.family, node: call, cut: () => family.cut(callArguments(call, callee.name)) });
        break;
      }
      case 'function':
      case 'class': {
        const name = match.captures[1]!.node.text;
        const kind = match.captures[0]!.name as Scope['kind'];
        scopes.push({ kind, name, node, start: node.startIndex, end: node.endIndex });
        break;
      }
    }
  }
  scopes.sort((a, b) => a.start - b.start);
  found.sort((a, b) => a.node.startIndex - b.node.startIndex || b.node.endIndex - a.node.endIndex);

  const open: Scope[] = [];
  let next = 0;
  return found.map(({ family, node, cut }) => {
    const start = node.startIndex;
    for (; next < scopes.length && scopes[next]!.start <= start; next++) {
      closeBefore(open, scopes[next]!.start);
      open.push(scopes[next]!);
    }
    closeBefore(open, start);
    const broken = node.hasError || errors.some((error) => error.startIndex <= start && start < error.endIndex);
    const result = broken ? 'syntax_error' : cut();
    return { family, node, scopes: [...open], cut: typeof result === 'string' ? result : checked(source, node, result) };
  });
}

function closeBefore(open: Scope[], start: number): void {
  while (open.length && open.at(-1)!.end <= start) open.pop();
}

/** A comment inside a target would swallow what follows it once the target is on one line. */
function checked(source: PythonSource, node: Node, { start, end, value }: Cut): Assertion['cut'] {
  const text = source.text.slice(start, end);
  if (text.includes('\n') && text.includes('#')) {
    const comments = node.descendantsOfType('comment');
    if (comments.some((comment) => comment.startIndex >= start && comment.startIndex < end)) return 'comment_in_target';
  }
  return { start, end, kind: targetKind(value) };
}
