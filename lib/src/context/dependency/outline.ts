/** What a module binds at its top level: definitions with their source, and imports. */
import type { Node } from 'web-tree-sitter';
import { definitionOf } from '../../data/python.js';
import { parsed } from '../parse.js';
import { type Import, importsOf } from './imports.js';

/** A function, class or assignment. */
export interface Definition {
  path: string;
  name: string;
  /** Its source with its decorators, as if it stood at the top level. */
  text: string;
  /** Index in the module's text. */
  at: number;
}

export interface Outline {
  /** By name: the last binding counts, as at run time. Those in `except`, `else` and `elif` stand in for it, in order. */
  bindings: Map<string, (Definition | Import)[]>;
  /** `from m import *`, the last one first: as at run time, it takes precedence. */
  stars: Import[];
}

export function isDefinition(binding: Definition | Import): binding is Definition {
  return 'text' in binding;
}

export function outline(path: string, text: string): Outline {
  const bindings: Outline['bindings'] = new Map();
  const stars: Import[] = [];

  const visit = (statement: Node, standIn: boolean): void => {
    const bind = (name: string, binding: Definition | Import): void => {
      bindings.set(name, [...(standIn ? bindings.get(name) ?? [] : []), binding]);
    };
    const imports = importsOf(statement);
    for (const found of imports) {
      if (found.name === '*') stars.unshift(found);
      else bind(found.alias, found);
    }
    if (imports.length) return;
    for (const name of namesOf(statement)) bind(name, { path, name, text: dedented(text, statement), at: statement.startIndex });
    if (!NESTING.test(statement.type)) return;
    for (const child of statement.namedChildren) visit(child, standIn || STANDS_IN.test(child.type));
  };

  parsed(text, (root) => { for (const statement of root.namedChildren) visit(statement, false); });
  return { bindings, stars };
}

/** Statements whose blocks run at import time, and what these blocks are in. */
const NESTING = /^(?:if_statement|try_statement|with_statement|block|ERROR)$|_clause$/;
const STANDS_IN = /^(?:except_clause|except_group_clause|else_clause|elif_clause)$/;

/** The names that a definition, an assignment or a type alias binds. */
function namesOf(statement: Node): string[] {
  const definition = definitionOf(statement);
  if (definition) return [definition.childForFieldName('name')?.text ?? ''].filter(Boolean);
  if (statement.type === 'type_alias_statement') return /^type\s+(\w+)/.exec(statement.text)?.slice(1) ?? [];
  const names: string[] = [];
  let assignment = statement.type === 'expression_statement' ? statement.firstNamedChild : null;
  // `a = b = value` is an assignment within an assignment.
  while (assignment?.type === 'assignment') {
    const left = assignment.childForFieldName('left');
    if (left?.type === 'identifier') names.push(left.text);
    else if (left && /^(?:pattern_list|tuple_pattern|list_pattern)$/.test(left.type)) {
      names.push(...left.namedChildren.filter((child) => child.type === 'identifier').map((child) => child.text));
    }
    assignment = assignment.childForFieldName('right');
  }
  return names;
}

function dedented(text: string, statement: Node): string {
  const lines = text.slice(statement.startIndex, statement.endIndex).trimEnd().split('\n');
  const indentation = text.slice(text.lastIndexOf('\n', statement.startIndex) + 1, statement.startIndex);
  if (!indentation || indentation.trim()) return lines.join('\n');
  return lines.map((line) => (line.startsWith(indentation) ? line.slice(indentation.length) : line)).join('\n');
}
