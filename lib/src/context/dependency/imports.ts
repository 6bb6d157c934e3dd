/** The import statements of Python source, as data: one entry for each name that they bind. */
import type { Node } from 'web-tree-sitter';
import { matches } from '../../data/python.js';

export interface Import {
  /** The name bound here; `*` for all public names of the module. */
  alias: string;
  /** Dots in front of the module: 0 for an absolute import. */
  level: number;
  /** Dotted; empty in `from . import x`. */
  module: string;
  /** What is taken from the module; null where the module itself is bound. */
  name: string | null;
}

/** Every import below `root` that a statement at index `end` can see: those of functions that end before are not. */
export function importsInScope(root: Node, end: number): Import[] {
  return matches('[(import_statement) (import_from_statement)] @import', root)
    .map(({ captures }) => captures[0]!.node)
    .filter((statement) => {
      for (let node = statement.parent; node; node = node.parent) {
        if (node.type === 'function_definition' && node.endIndex < end) return false;
      }
      return true;
    })
    .flatMap(importsOf);
}

/** The names that one import statement binds; none for other statements. */
export function importsOf(statement: Node): Import[] {
  const names = statement.childrenForFieldName('name').flatMap((node) => {
    const name = dotted(node?.type === 'aliased_import' ? node.childForFieldName('name') : node);
    const alias = node?.type === 'aliased_import' ? node.childForFieldName('alias')?.text : undefined;
    return name ? [{ name, alias }] : [];
  });
  if (statement.type === 'import_statement') {
    // `import a.b` binds a; `import a.b as c` binds a.b.
    return names.map(({ name, alias }) => alias
      ? { alias, level: 0, module: name, name: null }
      : { alias: name.split('.')[0]!, level: 0, module: name.split('.')[0]!, name: null });
  }
  if (statement.type !== 'import_from_statement') return [];
  const [, dots = '', module = ''] = /^([.\s]*)(.*)$/s.exec(dotted(statement.childForFieldName('module_name'))) ?? [];
  const from = { level: dots.length, module };
  if (statement.namedChildren.some((child) => child.type === 'wildcard_import')) return [{ ...from, alias: '*', name: '*' }];
  return names.map(({ name, alias = name }) => ({ ...from, alias, name }));
}

/** A dotted name without the spaces, comments and line ends that may stand in it. */
function dotted(node: Node | null): string {
  return node?.text.replace(/#.*|[\s\\]+/g, '') ?? '';
}
