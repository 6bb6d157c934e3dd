/**
 * Python source as the benchmark reads it: strict UTF-8, parsed by tree-sitter, with positions in UTF-8 bytes.
 *
 * Three kinds of position meet here. tree-sitter in JavaScript counts UTF-16 units, lines are needed for prefixes, and
 * tasks record bytes. Lines end at \n, \r\n or \r only, as in Python's tokenizer (a form feed or U+2028 ends none).
 */
import { createRequire } from 'node:module';
import { Language, type Node, Parser, Query, type QueryMatch, type Tree } from 'web-tree-sitter';

let parser: Parser | undefined;
let language: Language | undefined;
const queries = new Map<string, Query>();

/** Loads the grammar; call once before anything that parses. Later calls return at once. */
export async function openParser(): Promise<void> {
  if (parser) return;
  await Parser.init();
  language = await Language.load(createRequire(import.meta.url).resolve('tree-sitter-python/tree-sitter-python.wasm'));
  parser = new Parser().setLanguage(language);
}

/** Parses `source.text`. The caller frees the tree with `tree.delete()`. */
export function parsePython(source: PythonSource): Tree {
  if (!parser) throw new Error('parsePython: call `await openParser()` first');
  const tree = parser.parse(source.text);
  if (!tree) throw new Error('parsePython: the parser gave no tree');
  return tree;
}

/** All matches of a tree-sitter query below `node`: one call into the parser instead of a walk node by node. */
export function matches(pattern: string, node: Node): QueryMatch[] {
  let query = queries.get(pattern);
  if (!query) {
    if (!language) throw new Error('matches: call `await openParser()` first');
    query = new Query(language, pattern);
    queries.set(pattern, query);
  }
  return query.matches(node);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a file with its byte order mark, or null when it is not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}

/** One Python file: its text, its lines, and the way from an index in the text to a byte offset in the file. */
export class PythonSource {
  /** The file's text with a lone \r as \n (the same number of bytes; tree-sitter does not know it as a line end). */
  readonly text: string;
  /** Index in `text` where each line starts. */
  readonly lineStarts: number[] = [0];
  readonly #ascii: boolean;
  #byteOffsets: Uint32Array | undefined;

  private constructor(text: string, byteLength: number) {
    this.text = text.includes('\r') ? text.replace(/\r(?!\n)/g, '\n') : text;
    this.#ascii = text.length === byteLength;
    for (let at = this.text.indexOf('\n'); at >= 0; at = this.text.indexOf('\n', at + 1)) this.lineStarts.push(at + 1);
  }

  /** Null when the bytes are not UTF-8. */
  static decode(bytes: Uint8Array): PythonSource | null {
    const text = decodeUtf8(bytes);
    return text === null ? null : new PythonSource(text, bytes.length);
  }

  /** 0-based line of an index in `text`. */
  lineOf(index: number): number {
    let low = 0;
    let high = this.lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.lineStarts[middle]! <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Line `line` without its end and without the byte order mark; with `end`, cut at that index in `text`. */
  line(line: number, end?: number): string {
    const next = this.lineStarts[line + 1];
    const stop = end ?? (next === undefined ? this.text.length : next - 1);
    const from = this.lineStarts[line]!;
    const content = this.text.slice(line === 0 && this.text.startsWith('\ufeff') ? from + 1 : from, stop);
    return end === undefined && content.endsWith('\r') ? content.slice(0, -1) : content;
  }

  /** UTF-8 byte offset in the file of an index in `text`. */
  byteOf(index: number): number {
    if (this.#ascii) return index;
    this.#byteOffsets ??= utf8Offsets(this.text);
    return this.#byteOffsets[index]!;
  }
}

function utf8Offsets(text: string): Uint32Array {
  const offsets = new Uint32Array(text.length + 1);
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    offsets[i] = bytes;
    const unit = text.charCodeAt(i);
    const lowSurrogate = unit >= 0xdc00 && unit < 0xe000;
    const highSurrogate = unit >= 0xd800 && unit < 0xdc00;
    bytes += unit < 0x80 ? 1 : unit < 0x800 ? 2 : lowSurrogate ? 0 : highSurrogate ? 4 : 3;
  }
  offsets[text.length] = bytes;
  return offsets;
}

/** The function or class that a statement defines, without its decorators; null for any other statement. */
export function definitionOf(statement: Node): Node | null {
  const inner = statement.type === 'decorated_definition' ? statement.childForFieldName('definition') : statement;
  return inner?.type === 'function_definition' || inner?.type === 'class_definition' ? inner : null;
}

/** A target or other snippet on one line: each line break, the spaces around it and a continuation backslash become one space. */
export function flatten(text: string): string {
  return text.replace(/[ \t\f]*\\?(?:\r\n|\r|\n)\s*/g, ' ');
}
