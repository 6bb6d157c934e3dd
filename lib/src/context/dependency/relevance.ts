/** How a prefix uses the names it can see, and how much that says for showing what is behind them. */
import type { Node } from 'web-tree-sitter';
import { matches } from '../../data/python.js';

/** One place where a name is used, with the attributes taken of it: `a.b.c(...)` is name a, attributes b and c, called. */
export interface Use {
  name: string;
  attributes: string[];
  called: boolean;
  /** Index in the prefix. */
  at: number;
}

/** Of what no use leads to, but stands in a module that is used as a whole. */
export const OTHER = 0.1;

/** Relevance of the definition that a use leads to with `attributes` more behind it: called 1, base of an attribute 0.8, else 0.5. */
export function relevance(use: Use, attributes: number): number {
  return attributes > 0 ? 0.8 : use.called ? 1 : 0.5;
}

/** All uses of those names that `wanted` holds, in order; imports, keywords and the names of definitions are none. */
export function usesOf(root: Node, wanted: (name: string) => boolean): Use[] {
  return matches('(identifier) @name', root).flatMap(({ captures }) => {
    const node = captures[0]!.node;
    return wanted(node.text) && isUse(node) ? [useAt(node)] : [];
  });
}

function isUse(node: Node): boolean {
  const { parent } = node;
  switch (parent?.type) {
    case 'dotted_name':
    case 'aliased_import':
      return false;
    case 'attribute':
    case 'keyword_argument':
      return parent.type === 'attribute' ? parent.startIndex === node.startIndex : parent.startIndex !== node.startIndex;
    case 'function_definition':
    case 'class_definition':
      return false;
    default:
      return true;
  }
}

function useAt(node: Node): Use {
  const attributes: string[] = [];
  let whole = node;
  for (let outer = whole.parent; outer?.type === 'attribute' && outer.startIndex === node.startIndex; outer = outer.parent) {
    attributes.push(outer.childForFieldName('attribute')?.text ?? '');
    whole = outer;
  }
  const call = whole.parent?.type === 'call' && whole.parent.startIndex === node.startIndex;
  return { name: node.text, attributes, called: call, at: node.startIndex };
}
