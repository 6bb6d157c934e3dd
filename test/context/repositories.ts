/** What the tests of contexts share: repositories from texts, an embedding that is counted by hand, and Python's view. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Repository } from '../../lib/dist/data/types.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';

export const tokenizer = loadTokenizer('data/models/nano-coder');

const python = existsSync('.venv/bin/python') ? '.venv/bin/python' : 'python3';

export function repository(files: Record<string, string | Uint8Array>): Repository {
  return {
    id: 'shop', commit: '1', licence: 'MIT', split: 'train',
    files: Object.entries(files).map(([path, text]) => ({ path, bytes: typeof text === 'string' ? Buffer.from(text) : text })),
  };
}

/** How often each of the words stands in a text: a vector that can be checked by eye. */
export function countOf(words: readonly string[]): (texts: string[]) => Float32Array[] {
  return (texts) => texts.map((text) => Float32Array.from(words, (word) => text.split(word).length - 1));
}

/** The answers of oracle.py to one question. */
export function oracle<T>(question: object): T {
  const { stdout, stderr, status } = spawnSync(python, ['test/context/oracle.py'],
    { input: JSON.stringify(question), encoding: 'utf8', maxBuffer: 2 ** 30 });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as T;
}

/** A context as its blocks: paths in order, with the text below each header. */
export function blocksOf(context: string): [path: string, text: string][] {
  return context ? context.split(/^(?=# \S+\.(?:py|md|rst)$)/m).map((block): [string, string] => {
    const end = block.indexOf('\n');
    return [block.slice(2, end), block.slice(end + 1).trimEnd()];
  }) : [];
}
