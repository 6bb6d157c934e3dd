/**
 * Definitions in few tokens: how they are called, not how they work (paper §4.1).
 *
 * A class keeps its header, its attributes, its constructors and of other methods the signature and the first line of
 * the docstring. A function or value of more than five lines keeps its signature or name. What is left is still Python:
 * `...` stands for what is gone.
 */
import type { Node } from 'web-tree-sitter';
import { definitionOf } from '../../data/python.js';
import { parsed } from '../parse.js';

const MAX_LINES = 5;
const CONSTRUCTORS = new Set(['__init__', '__new__', '__post_init__']);

/** @param text one top-level definition, its lines ending in \n */
export function compress(text: string): string {
  return parsed(text, (root) => {
    const statement = root.namedChildren.find((child) => child.type !== 'comment');
    if (!statement) return text;
    const definition = definitionOf(statement);
    if (definition?.type === 'class_definition') return shortClass(text, statement, definition);
    if (definition) return isShort(text, statement) ? text : `${signature(text, statement, definition)} ...`;
    return shortValue(text, statement);
  });
}

function shortClass(text: string, statement: Node, definition: Node): string {
  const header = signature(text, statement, definition);
  const members = (definition.childForFieldName('body')?.namedChildren ?? []).flatMap((member) => shortMember(text, member) ?? []);
  return members.length ? `${header}\n${members.join('\n')}` : `${header} ...`;
}

/** A class's member with the indentation it has; null for one that is not kept. */
function shortMember(text: string, member: Node): string | null {
  const indentation = indentationOf(text, member);
  const definition = definitionOf(member);
  if (!definition) {
    const attribute = member.type === 'expression_statement' && /assignment$/.test(member.firstNamedChild?.type ?? '');
    return attribute ? indentation + shortValue(text, member) : null;
  }
  if (definition.type === 'class_definition') return indentation + shortClass(text, member, definition);
  if (CONSTRUCTORS.has(definition.childForFieldName('name')?.text ?? '')) return indentation + source(text, member);
  const header = indentation + signature(text, member, definition);
  const body = definition.childForFieldName('body');
  const doc = body && firstDocLine(body);
  if (!doc) return `${header} ...`;
  const inner = indentationOf(text, body) || `${indentation}    `;
  return `${header}\n${inner}${doc}\n${inner}...`;
}

/** A statement of at most five lines as it is; of a longer assignment the names. */
function shortValue(text: string, statement: Node): string {
  const value = statement.firstNamedChild?.childForFieldName('right');
  if (isShort(text, statement) || !value) return source(text, statement);
  return `${text.slice(statement.startIndex, value.startIndex).trimEnd().replace(/\\$/, '').trimEnd()} ...`;
}

/** Decorators and header, to the colon before the body. */
function signature(text: string, statement: Node, definition: Node): string {
  const colon = definition.children.find((child) => child.type === ':');
  return text.slice(statement.startIndex, colon?.endIndex ?? definition.endIndex);
}

/** The docstring of a body with its first line alone, or null. */
function firstDocLine(body: Node): string | null {
  const string = body.firstNamedChild?.type === 'expression_statement' ? body.firstNamedChild.firstNamedChild : null;
  const [, prefix, quote, content] = (string?.type === 'string' && /^([rRuU]?)("""|'''|"|')(.*)\2$/s.exec(string.text)) || [];
  if (prefix === undefined || quote === undefined || content === undefined) return null;
  const line = content.trim().split('\n')[0]!.replace(/\\$/, '').trim();
  if (!line) return null;
  // A quote or backslash at the end would take the closing quotes with it.
  return `${prefix}${quote}${line}${/["'\\]$/.test(line) ? ' ' : ''}${quote}`;
}

function isShort(text: string, node: Node): boolean {
  return source(text, node).split('\n').length <= MAX_LINES;
}

function source(text: string, node: Node): string {
  return text.slice(node.startIndex, node.endIndex).trimEnd();
}

/** The white space before a node on its line. */
function indentationOf(text: string, node: Node): string {
  return /[^\S\n]*$/.exec(text.slice(text.lastIndexOf('\n', node.startIndex - 1) + 1, node.startIndex))![0];
}
