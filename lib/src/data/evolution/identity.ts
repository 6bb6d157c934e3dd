/**
 * When two assertions of a file's versions are the same one (paper §2.4, two readings).
 *
 * `full-prefix` is what the authors' code does: family, all text before the target and the target. Any edit above an
 * assertion makes it new. `assertion` is what the paper says, "adds or modifies an assertion": its test function and its
 * own text; of equal ones in a function the first is the first, the second the second.
 */
import { createHash } from 'node:crypto';
import type { Candidate, Reject } from '../candidates.js';
import type { PythonSource } from '../python.js';

export type Identity = 'full-prefix' | 'assertion';

/** A key for each assertion of a file, in source order. Keys are short hashes, so that a history's state stays small. */
export function identify(items: readonly (Candidate | Reject)[], source: PythonSource, identity: Identity): string[] {
  return identity === 'assertion' ? byAssertion(items, source) : byFullPrefix(items, source);
}

function byAssertion(items: readonly (Candidate | Reject)[], source: PythonSource): string[] {
  const seen = new Map<string, number>();
  return items.map(({ testFunction, from, to }) => {
    const text = `${testFunction}\n${oneSpace(source.text.slice(from, to))}`;
    const times = seen.get(text) ?? 0;
    seen.set(text, times + 1);
    return short(`${times}\n${text}`);
  });
}

function byFullPrefix(items: readonly (Candidate | Reject)[], source: PythonSource): string[] {
  // One running hash of the file up to each target: a hash of every prefix alone would be quadratic.
  const running = createHash('sha256');
  let at = 0;
  const keys = new Array<string>(items.length);
  const order = items.map((item, i) => ({ i, start: 'reason' in item ? item.from : item.start, item })).sort((a, b) => a.start - b.start);
  for (const { i, start, item } of order) {
    running.update(oneSpace(source.text.slice(at, start)));
    at = Math.max(at, start);
    const target = 'reason' in item ? oneSpace(source.text.slice(item.from, item.to)) : `${item.family}\n${oneSpace(item.target)}`;
    keys[i] = short(`${running.copy().digest('base64')}\n${target}`);
  }
  return keys;
}

function oneSpace(text: string): string {
  return text.replace(/\s+/g, ' ');
}

function short(text: string): string {
  return createHash('sha256').update(text).digest('base64').slice(0, 16);
}
