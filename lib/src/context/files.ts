/** What a context may be taken from: the texts of a snapshot that are no tests, in the order of their paths. */
import { decodeUtf8 } from '../data/python.js';
import { sourceFiles } from '../data/tests-files.js';
import type { Repository, SourceFile } from '../data/types.js';
import { leaveOut, type LeftOut } from './context.js';

/** A larger Python file is not parsed: it is a table of data or generated. */
export const MAX_PARSED_BYTES = 2_000_000;

/**
 * Python files and, with `docs`, Markdown and reStructuredText. Tests are told as the encoder tells them, by path or
 * content: the paper's later builder looks at the path alone, and may show one.
 */
export function contextFiles(repo: Repository, options: { docs?: boolean } = {}): SourceFile[] {
  return sourceFiles(repo, options).sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** The text without byte order mark, its lines ending in \n; null, and counted, when it is not UTF-8. */
export function textOf(file: SourceFile, leftOut: LeftOut): string | null {
  const text = decodeUtf8(file.bytes);
  if (text === null) leaveOut(leftOut, 'not_utf8');
  return text?.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n') ?? null;
}

/** As `textOf`, for a file that is to be parsed: null, and counted, also when it is too large. */
export function parsableText(file: SourceFile, leftOut: LeftOut): string | null {
  if (file.bytes.length <= MAX_PARSED_BYTES) return textOf(file, leftOut);
  leaveOut(leftOut, 'too_large');
  return null;
}
