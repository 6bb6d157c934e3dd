/**
 * The structured prefix (paper §2.2): what a person would look at before writing the assertion.
 *
 * A union of whole lines in file order, one blank line wherever lines were left out: the module's imports and
 * assignments, the enclosing class's header, attributes and helper methods, the module's helper functions and fixtures,
 * and then, without a gap, the test from its decorators to the target. That last block is literal source.
 * Lines end in \n whatever the file uses. Only what stands before the test is shown.
 */
import type { Node } from 'web-tree-sitter';
import type { Scope } from './assertions/index.js';
import { isExtra } from './assertions/family.js';
import { definitionOf, type PythonSource } from './python.js';

/** The longest prefix, in lines; what is cut is cut from the top. */
export const MAX_PREFIX_LINES = 600;

/** `structured` is the static track's prefix; `full-file` is all of the file before the target (paper §2.4, evaluation). */
export type PrefixForm = 'structured' | 'full-file';

/** The longest full-file prefix, in characters; what is cut is cut from the top. */
export const MAX_PREFIX_CHARACTERS = 32_768;

/** 0-based lines, both included. */
export interface LineRange {
  first: number;
  last: number;
}

/** Whether a function is a test, by its name as pytest and unittest see it. */
export function isTestName(name: string): boolean {
  return name.startsWith('test');
}

/** Imports, assignments and expressions up to the first function or class, and all functions that are not tests. */
export function moduleContext(source: PythonSource, root: Node): LineRange[] {
  const statements = root.namedChildren.filter((child) => !isExtra(child));
  const firstDefinition = statements.findIndex((node) => definitionOf(node) !== null);
  const preamble = statements
    .slice(0, firstDefinition < 0 ? statements.length : firstDefinition)
    .filter((node, i) =>
      /^(?:future_)?import(?:_from)?_statement$/.test(node.type) ||
      (node.type === 'expression_statement' && !(i === 0 && isString(node))));
  return [...preamble, ...statements.filter(isHelper)].map((node) => linesOf(source, node));
}

/** A class's header, its assignments, and its methods that are not tests (set-up and tear-down are such). */
export function classContext(source: PythonSource, node: Node): LineRange[] {
  const colon = node.children.find((child) => child.type === ':');
  const body = node.childForFieldName('body')?.namedChildren ?? [];
  const attributes = body.filter((child) =>
    child.type === 'expression_statement' && /assignment$/.test(child.firstNamedChild?.type ?? ''));
  return [
    { first: source.lineOf(node.startIndex), last: source.lineOf(colon?.startIndex ?? node.startIndex) },
    ...[...attributes, ...body.filter(isHelper)].map((child) => linesOf(source, child)),
  ];
}

/** Line on which the test starts, decorators included. */
export function firstLine(source: PythonSource, test: Scope): number {
  const { parent } = test.node;
  return source.lineOf(parent?.type === 'decorated_definition' ? parent.startIndex : test.start);
}

/**
 * The prefix that ends at `target` (an index in the text).
 * `context` may name lines in any order, also beyond the test: only ranges that end before `testLine` are used.
 */
export function renderPrefix(source: PythonSource, context: LineRange[], testLine: number, target: number): string {
  const targetLine = source.lineOf(target);
  const ranges = context.filter((range) => range.last < testLine).sort((a, b) => a.first - b.first);
  const lines: string[] = [];
  let shown = -1;
  for (const { first, last } of [...ranges, { first: testLine, last: targetLine }]) {
    if (lines.length && first > shown + 1) lines.push('');
    for (let line = Math.max(first, shown + 1); line <= last; line++) {
      lines.push(line === targetLine ? source.line(line, target) : source.line(line));
    }
    shown = Math.max(shown, last);
  }
  return lines.slice(-MAX_PREFIX_LINES).join('\n');
}

/** All of the file before `target` (an index in the text), without its byte order mark. Lines end in \n. */
export function renderFullFile(source: PythonSource, target: number): string {
  const text = source.text.slice(source.text.startsWith('\ufeff') ? 1 : 0, target).replace(/\r\n/g, '\n');
  // The cut may not part a pair of surrogates.
  return text.slice(-MAX_PREFIX_CHARACTERS).replace(/^[\udc00-\udfff]/, '');
}

function linesOf(source: PythonSource, node: Node): LineRange {
  return { first: source.lineOf(node.startIndex), last: source.lineOf(Math.max(node.startIndex, node.endIndex - 1)) };
}

/** A function that is not a test; a fixture may have any name. */
function isHelper(node: Node): boolean {
  const inner = definitionOf(node);
  if (inner?.type !== 'function_definition') return false;
  if (!isTestName(inner.childForFieldName('name')?.text ?? '')) return true;
  return node.namedChildren.some((child) => child.type === 'decorator' && child.text.includes('fixture'));
}

function isString(statement: Node): boolean {
  return /^(?:concatenated_)?string$/.test(statement.firstNamedChild?.type ?? '');
}
