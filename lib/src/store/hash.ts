/** Names made from content: a stage's cache key is the hash of all that determines its result. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** SHA-256 of a file of any size. */
export function hashFile(path: string): string {
  const hash = createHash('sha256'), file = openSync(path, 'r'), piece = Buffer.alloc(1 << 22);
  try {
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) hash.update(piece.subarray(0, read));
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}

/** Hash of a JSON value, independent of the order of object keys. */
export function hashJson(value: unknown): string {
  return sha256(JSON.stringify(value, (_key, v: unknown) =>
    v && typeof v === 'object' && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v));
}
