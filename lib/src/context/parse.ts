/** Parses a text, and gives what was read from its tree: the tree itself is freed. */
import type { Node } from 'web-tree-sitter';
import { isTooDeep } from '../data/depth.js';
import { parsePython, PythonSource } from '../data/python.js';

/**
 * @param read called once with the module's node; positions in it are indices into `text`, whose lines end in \n. Of a text
 *   that is nested too deeply, with the node of an empty one
 */
export function parsed<T>(text: string, read: (root: Node) => T): T {
  const source = PythonSource.decode(Buffer.from(text))!;
  const tree = parsePython(source);
  try {
    if (text && isTooDeep(text, tree)) return parsed('', read);
    return read(tree.rootNode);
  } finally {
    tree.delete();
  }
}
