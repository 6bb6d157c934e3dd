/** A step is done when its stamp, written last, holds the hash of all that determined its result. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export function hash(...parts) {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part).update('\0');
  return sum.digest('hex');
}

/** Hash of the content and names of files; a folder stands for all files below it. Missing files count as such. */
export function hashFiles(...paths) {
  const sum = createHash('sha256');
  const add = (path) => {
    let names;
    try {
      names = readdirSync(path, { withFileTypes: true });
    } catch (error) {
      if (error.code === 'ENOTDIR') sum.update(`${path}\0`).update(readFileSync(path));
      else sum.update(`${path}\0missing`);
      return;
    }
    for (const entry of names.sort((a, b) => (a.name < b.name ? -1 : 1))) add(join(path, entry.name));
  };
  for (const path of paths) add(path);
  return sum.digest('hex');
}

export function readStamp(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

export function writeStamp(path, stamp) {
  mkdirSync(dirname(path), { recursive: true });
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, JSON.stringify(stamp));
  renameSync(beside, path);
}
