/** JSON files that this workspace wrote and that can be made again: what is not there, or was damaged since, is made anew. */
import { readFileSync } from 'node:fs';

/** The content; undefined where there is no such file, or none of JSON. */
export function storedJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof SyntaxError || code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
