/** Scores read snippets, not files: a snippet's tree lives only as long as one function looks at it. */
import type { Node } from 'web-tree-sitter';
import { parsePython, PythonSource } from '../data/python.js';

/** A parsed snippet; indices of its nodes are indices in `source.text`. */
export interface Snippet {
  root: Node;
  source: PythonSource;
}

const encoder = new TextEncoder();

/** What `use` makes of the snippet's tree, freed afterwards. */
export function withTree<T>(code: string, use: (snippet: Snippet) => T): T {
  // `PythonSource` would make a lone \r a line end; the grammar takes \f as it takes \r, for space within a line.
  const source = PythonSource.decode(encoder.encode(code.replace(/\r(?!\n)/g, '\f')))!;
  const tree = parsePython(source);
  try {
    return use({ root: tree.rootNode, source });
  } finally {
    tree.delete();
  }
}
