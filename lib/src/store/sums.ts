/**
 * `SHA256SUMS`, the hashes of a folder's stored files as `sha256sum --check` reads them: bytes that were damaged since are
 * recognised and not used. For what is written once and then read; safetensors hold their own hash (store/safetensors.ts).
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from './atomic.js';
import { hashFile } from './hash.js';
import type { Progress } from './progress.js';

const SUMS = 'SHA256SUMS';

/** Notes what these files of a folder hold now. One process at a time. @param names relative to the folder */
export function seal(folder: string, names: readonly string[]): void {
  const sums = readSums(folder) ?? new Map<string, string>();
  for (const name of names) sums.set(name, hashFile(join(folder, name)));
  writeFileAtomic(join(folder, SUMS), [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, hash]) => `${hash}  ${name}\n`).join(''));
}

/** Undefined where there is no such file. One that a list does not name was not finished, or the list is damaged: it is not whole. Without a list, as an earlier version left a folder, all are. */
export function isWhole(folder: string, name: string, sums = readSums(folder)): boolean | undefined {
  const path = join(folder, name);
  if (!existsSync(path)) return undefined;
  return sums === undefined || sums.get(name) === hashFile(path);
}

/** Whether all these files are there and whole; says so of those that are not what the list has, since whoever asks makes them again. */
export function areWhole(folder: string, names: readonly string[], progress: Progress): boolean {
  const sums = readSums(folder), states = names.map((name) => ({ name, whole: isWhole(folder, name, sums) }));
  for (const { name, whole } of states) if (whole === false && sums?.has(name)) sayDamaged(join(folder, name), progress);
  return states.every(({ whole }) => whole);
}

/** One line for whoever follows the work. */
export function sayDamaged(path: string, progress: Progress): void {
  progress({ stage: `${path} is damaged and is made again`, done: 1, total: 1 });
}

/** Names of the files that are listed. */
export const sealed = (folder: string): string[] => [...(readSums(folder)?.keys() ?? [])];

/** Hash by name; undefined where there is no list. Lines that are none, in a damaged one, are left out. */
function readSums(folder: string): Map<string, string> | undefined {
  const path = join(folder, SUMS);
  if (!existsSync(path)) return undefined;
  return new Map(readFileSync(path, 'utf8').split('\n').flatMap((line) => {
    const [, hash, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    return hash && name ? [[name, hash] as const] : [];
  }));
}
