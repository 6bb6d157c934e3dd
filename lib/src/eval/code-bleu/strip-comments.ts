/**
 * What CodeBLEU parses: code without its comments and docstrings, as the `codebleu` package leaves it under CPython
 * 3.11. The package rebuilds the text from Python's `tokenize`, so the result inherits its ways: gaps between tokens
 * become spaces, backslash continuations and empty lines vanish, and *any* string that begins a line is a "docstring",
 * so the target `"abc"` becomes nothing. Where `tokenize` fails (brackets that do not balance, a string that does not
 * end, an indentation that fits nothing) the code stays as it is.
 */

/** What Python's `str.split`, `strip` and `isspace` take for white space. */
export const WHITE_SPACE = String.raw`[\p{White_Space}\x1c-\x1f]`;
const blank = new RegExp(`^${WHITE_SPACE}*$`, 'u');

const TAB = 8;
const PREFIX = '(?:[rR][bBfF]?|[bBfF][rR]?|[uU])?';
const token = new RegExp([
  String.raw`(?<continuation>\\\r?\n)`,
  String.raw`(?<comment>#[^\r\n]*)`,
  `(?<triple>${PREFIX}(?:'''|"""))`,
  String.raw`(?<newline>\r?\n)`,
  String.raw`(?<single>${PREFIX}'[^\n'\\]*(?:\\[^\n][^\n'\\]*)*(?:'|\\\r?\n))`,
  String.raw`(?<double>${PREFIX}"[^\n"\\]*(?:\\[^\n][^\n"\\]*)*(?:"|\\\r?\n))`,
  String.raw`[\p{L}\p{N}_]+`,
  '(?<open>[([{])',
  String.raw`(?<close>[)\]}])`,
  '[^]',
].join('|'), 'uy');

/** The rest of a string that is open at the start of a line, up to and with its closing quotes. */
const stringEnd: Record<string, RegExp> = {
  "'": /[^'\\]*(?:\\[^\n][^'\\]*)*'/y,
  '"': /[^"\\]*(?:\\[^\n][^"\\]*)*"/y,
  "'''": /[^'\\]*(?:(?:\\[^\n]|'(?!''))[^'\\]*)*'''/y,
  '"""': /[^"\\]*(?:(?:\\[^\n]|"(?!""))[^"\\]*)*"""/y,
};

type Kind = 'comment' | 'string' | 'newline' | 'indent' | 'other';

interface Token {
  kind: Kind;
  text: string;
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
}

/** `tokenize` raises here. */
class Unreadable extends Error {}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Tokens as `tokenize` cuts them; names, numbers, operators and stray characters are all `other`. */
function* tokenise(code: string): Generator<Token> {
  let depth = 0;
  let continued = false;
  const indents = [0];
  /** A string that goes on over the end of its line: a triple-quoted one, or one whose line ends in a backslash. */
  let open: { text: string; line: number; column: number; quote: string } | undefined;
  const lines = code.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  for (const [number, line] of lines.entries()) {
    const make = (kind: Kind, column: number, endColumn: number): Token =>
      ({ kind, text: line.slice(column, endColumn), line: number, column, endLine: number, endColumn });
    let at = 0;
    if (open) {
      const { text, quote, ...start } = open;
      const end = matchAt(stringEnd[quote]!, line, 0);
      if (!end && (quote.length === 3 || /\\\r?\n$/.test(line))) {
        open.text += line;
        continue;
      }
      at = end ? end[0].length : line.length;
      yield { kind: end ? 'string' : 'other', text: text + line.slice(0, at), ...start, endLine: number, endColumn: at };
      open = undefined;
    } else if (depth === 0 && !continued) {
      let column = 0;
      for (; at < line.length; at++) {
        if (line[at] === ' ') column++;
        else if (line[at] === '\t') column = (Math.floor(column / TAB) + 1) * TAB;
        else if (line[at] === '\f') column = 0;
        else break;
      }
      if (at === line.length) return;
      if ('#\r\n'.includes(line[at]!)) {
        const comment = matchAt(/#.*?(?=[\r\n]*$)/sy, line, at)?.[0].length ?? 0;
        if (comment > 0) yield make('comment', at, at + comment);
        yield make('other', at + comment, line.length);
        continue;
      }
      if (column > indents.at(-1)!) {
        indents.push(column);
        yield make('indent', 0, at);
      }
      while (column < indents.at(-1)!) {
        if (!indents.includes(column)) throw new Unreadable();
        indents.pop();
        yield make('other', at, at);
      }
    }
    continued = false;
    while (at < line.length) {
      at += matchAt(/[ \f\t]*/y, line, at)![0].length;
      const found = matchAt(token, line, at);
      if (!found) break;
      const start = at;
      at += found[0].length;
      const { continuation, comment, triple, newline, single, double, open: opening, close } = found.groups!;
      if (continuation !== undefined) continued = true;
      else if (comment !== undefined) yield make('comment', start, at);
      else if (newline !== undefined) yield make(depth > 0 ? 'other' : 'newline', start, at);
      else if (triple !== undefined) {
        const quote = triple.slice(-3);
        const end = matchAt(stringEnd[quote]!, line, at);
        if (!end) {
          open = { text: line.slice(start), line: number, column: start, quote };
          break;
        }
        at += end[0].length;
        yield make('string', start, at);
      } else if (single !== undefined || double !== undefined) {
        const quote = single === undefined ? '"' : "'";
        if (found[0].endsWith('\n')) open = { text: line.slice(start), line: number, column: start, quote };
        else yield make('string', start, at);
      } else {
        if (opening !== undefined) depth++;
        if (close !== undefined) depth--;
        yield make('other', start, at);
      }
    }
  }
  // More closing than opening brackets is a negative depth, and for `tokenize` as unfinished as a positive one.
  if (open || depth !== 0 || continued) throw new Unreadable();
}

/** `code` without comments, docstrings and blank lines; `code` itself where Python's `tokenize` fails. */
export function stripComments(code: string): string {
  let out = '';
  let before: Kind = 'indent';
  let lastLine = -1;
  let lastColumn = 0;
  try {
    for (const { kind, text, line, column, endLine, endColumn } of tokenise(code)) {
      if (line > lastLine) lastColumn = 0;
      out += ' '.repeat(Math.max(0, column - lastColumn));
      const docstring = kind === 'string' && (before === 'indent' || before === 'newline' || column === 0);
      if (kind !== 'comment' && !docstring) out += text;
      before = kind;
      lastLine = endLine;
      lastColumn = endColumn;
    }
  } catch (error) {
    if (error instanceof Unreadable) return code;
    throw error;
  }
  return out.split('\n').filter((line) => !blank.test(line)).join('\n');
}
