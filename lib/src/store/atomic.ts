/** Files that are either whole or absent: written beside their target, flushed, then renamed. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Node writes less than 2 GB at once. */
const MOST = 2 ** 30;

/** @param data the whole content, or its pieces in order, made one at a time for what is too large to hold twice */
export function writeFileAtomic(path: string, data: string | Uint8Array | Iterable<Uint8Array>): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  const pieces = typeof data === 'string' ? [Buffer.from(data)] : data instanceof Uint8Array ? [data] : data;
  try {
    const file = openSync(temporary, 'w');
    try {
      for (const bytes of pieces) {
        for (let written = 0; written < bytes.length;) {
          written += writeSync(file, bytes, written, Math.min(MOST, bytes.length - written));
        }
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
