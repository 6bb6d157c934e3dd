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
  let inner: Node | undefined = value, signed = false;
  while (inner?.type === 'parenthesized_expression' || inner?.type === 'unary_operator') {
    signed ||= inner.type === 'unary_operator';
    inner = inner.namedChildren.find((child) => !isExtra(child));
  }
  const kind = (inner && KINDS[inner.type]) ?? 'complex';
  // A sign belongs to a number; before anything else it makes an expression.
  return signed && kind !== 'numeric' ? 'complex' : kind;
}
