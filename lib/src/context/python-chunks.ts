/** RAG V2's chunks: the functions and classes at the top level of each module (paper §4.1). */
import type { Repository } from '../data/types.js';
import { leaveOut, type LeftOut } from './context.js';
import { contextFiles, parsableText } from './files.js';
import { definitionOf } from '../data/python.js';
import { parsed } from './parse.js';

export interface PythonChunk {
  path: string;
  /** Name of the function or class. */
  name: string;
  /** Its source with its decorators, at most 12,000 characters: whole lines. */
  text: string;
}

const MAX_CHARACTERS = 12_000;

/** In the order of paths, at most `maxChunks`: what is behind them is out of reach. Tests give none. */
export function pythonChunks(repo: Repository, maxChunks: number, leftOut: LeftOut): PythonChunk[] {
  const files = contextFiles(repo).filter((file) => file.path.endsWith('.py'));
  const chunks: PythonChunk[] = [];
  for (const [i, file] of files.entries()) {
    if (chunks.length >= maxChunks) {
      leaveOut(leftOut, 'over_limit', files.length - i);
      break;
    }
    const text = parsableText(file, leftOut);
    if (!text) continue;
    const all = definitions(file.path, text);
    const some = all.slice(0, maxChunks - chunks.length);
    leaveOut(leftOut, 'over_limit', some.length < all.length ? 1 : 0);
    leaveOut(leftOut, 'shortened', some.filter((chunk) => chunk.text.length > MAX_CHARACTERS).length);
    chunks.push(...some.map((chunk) => ({ ...chunk, text: firstLines(chunk.text) })));
  }
  return chunks;
}

/** The top-level functions and classes of a module, whole. */
export function definitions(path: string, text: string): PythonChunk[] {
  return parsed(text, (root) => root.namedChildren.flatMap((statement) => {
    const name = definitionOf(statement)?.childForFieldName('name')?.text;
    return name ? [{ path, name, text: text.slice(statement.startIndex, statement.endIndex).trimEnd() }] : [];
  }));
}

function firstLines(text: string): string {
  if (text.length <= MAX_CHARACTERS) return text;
  const end = text.lastIndexOf('\n', MAX_CHARACTERS);
  return text.slice(0, end < 0 ? MAX_CHARACTERS : end).trimEnd();
}
