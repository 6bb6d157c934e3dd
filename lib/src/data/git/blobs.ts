/** File contents by blob id, through one `git cat-file` a repository. No filter or conversion runs on them. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { startGit } from './git.js';
import { PieceReader } from './piece-reader.js';

/** Larger blobs are not read (protocol: files of more than 2 MB are left out). */
export const MAX_BLOB_BYTES = 2_000_000;

export class BlobReader {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #reader: PieceReader;

  /** Call `close` when done. */
  constructor(gitDir: string) {
    this.#child = startGit(gitDir, ['cat-file', '--batch-command']);
    this.#reader = new PieceReader(this.#child, gitDir, 'cat-file');
  }

  /**
   * The bytes of each blob in order, or why they are not given.
   * @throws UserError when the repository is corrupt.
   */
  async read(ids: readonly string[]): Promise<(Uint8Array | 'too large' | 'missing')[]> {
    if (ids.length === 0) return [];
    this.#child.stdin.write(ids.map((id) => `info ${id}\n`).join(''));
    const found: ('fits' | 'too large' | 'missing')[] = [];
    for (const _ of ids) {
      const [, type, size] = (await this.#line()).split(' ');
      found.push(type !== 'blob' ? 'missing' : Number(size) > MAX_BLOB_BYTES ? 'too large' : 'fits');
    }
    this.#child.stdin.write(ids.filter((_, i) => found[i] === 'fits').map((id) => `contents ${id}\n`).join(''));
    const contents: (Uint8Array | 'too large' | 'missing')[] = [];
    for (const state of found) {
      if (state !== 'fits') {
        contents.push(state);
        continue;
      }
      const size = Number((await this.#line()).split(' ')[2]);
      contents.push(await this.#reader.bytes(size));
      await this.#reader.bytes(1);
    }
    return contents;
  }

  close(): void {
    this.#child.stdin.end();
    this.#child.kill();
  }

  async #line(): Promise<string> {
    const line = await this.#reader.until(0x0a);
    if (line === undefined) throw this.#reader.stopped();
    return line.toString('latin1');
  }
}
