/** The syntax part of CodeBLEU (arXiv 2009.10297, section 3.2): the share of the reference's sub-trees in the prediction. */
import type { Node } from 'web-tree-sitter';

/** Every sub-tree as text: node kinds and field names, no names or values. Leaves are none, except a root by itself. */
function subTrees(root: Node): string[] {
  const out: string[] = [];
  const open = [root];
  for (let node = open.pop(); node; node = open.pop()) {
    out.push(node.toString());
    for (const child of node.children) if (child.childCount > 0) open.push(child);
  }
  return out;
}

/** In [0, 1]. A sub-tree that occurs once in the prediction matches all its equals in the reference. */
export function syntaxMatch(prediction: Node, reference: Node): number {
  const ours = new Set(subTrees(prediction));
  const theirs = subTrees(reference);
  return theirs.filter((tree) => ours.has(tree)).length / theirs.length;
}
