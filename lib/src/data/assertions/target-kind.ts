/** The kind of value a target starts with: the tiers over which a repository's tasks are allotted. */
import type { Node } from 'web-tree-sitter';
import type { TargetKind } from '../types.js';
import { isExtra } from './family.js';

const KINDS: Record<string, TargetKind> = {
  true: 'bool', false: 'bool', none: 'none', string: 'string', concatenated_string: 'string',
  integer: 'numeric', float: 'numeric',
  list: 'collection', tuple: 'collection', set: 'collection', dictionary: 'collection',
  list_comprehension: 'collection', set_comprehension: 'collection', dictionary_comprehension: 'collection',
  call: 'call', identifier: 'variable', attribute: 'variable',
};

export function targetKind(value: Node): TargetKind {
  if (value.type === 'parenthesized_expression' || value.type === 'unary_operator') {
    const inner = value.namedChildren.find((child) => !isExtra(child));
    const kind = inner ? targetKind(inner) : 'complex';
    // A sign belongs to a number; before anything else it makes an expression.
    return value.type === 'unary_operator' && kind !== 'numeric' ? 'complex' : kind;
  }
  return KINDS[value.type] ?? 'complex';
}
