/**
 * Bare `assert`: the target is the first right-hand operand of a comparison, with its own parentheses if it has some.
 * Every other assert has no expected value to complete; the evolution track takes its whole expression (`plain`).
 */
import type { Node } from 'web-tree-sitter';
import { type Cut, type CutReason, isExtra } from './family.js';

const OPERATORS = new Set(['==', '!=', '<', '<=', '>', '>=', 'is', 'is not', 'in', 'not in']);

export function cutAssert(statement: Node, plain: boolean): Cut | CutReason {
  const expression = statement.namedChildren.find((child) => !isExtra(child));
  let test = expression;
  while (test?.type === 'parenthesized_expression') test = test.namedChildren.find((child) => !isExtra(child));
  if (test?.type !== 'comparison_operator') {
    return plain && expression ? { start: expression.startIndex, end: expression.endIndex, value: expression } : 'not_comparison';
  }
  const children = test.children;
  const operator = children.findIndex((child) => OPERATORS.has(child.type.replace(/\s+/g, ' ')));
  const operand = children.slice(operator + 1).find((child) => child.isNamed && !isExtra(child));
  if (operator < 0 || !operand) return 'not_comparison';
  return { start: operand.startIndex, end: operand.endIndex, value: operand };
}
