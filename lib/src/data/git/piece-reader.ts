/** Reading a child's output piece by piece: up to a byte, or a number of bytes. Memory holds one piece at a time. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { gitError } from './git.js';

export class PieceReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #child: ChildProcessWithoutNullStreams;
  #buffer: Buffer = Buffer.alloc(0);
  #errors = '';

  constructor(child: ChildProcessWithoutNullStreams, private readonly gitDir: string, private readonly command: string) {
    this.#child = child;
    this.#chunks = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    child.stderr.on('data', (chunk: Buffer) => { this.#errors = (this.#errors + chunk.toString('utf8')).slice(-2000); });
    child.stdin.on('error', () => {}); // a git that died is seen where its output ends.
    child.on('error', (error) => { this.#errors = error.message; });
  }

  /** The bytes before the next `end`, or undefined when the output has ended. */
  async until(end: number): Promise<Buffer | undefined> {
    let from = 0;
    for (;;) {
      const at = this.#buffer.indexOf(end, from);
      if (at >= 0) {
        const piece = this.#buffer.subarray(0, at);
        this.#buffer = this.#buffer.subarray(at + 1);
        return piece;
      }
      from = this.#buffer.length;
      if (!(await this.#more())) return undefined;
    }
  }

  /** @throws UserError when git stopped before. */
  async bytes(count: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#buffer.length === 0 && !(await this.#more())) throw this.stopped();
      const piece = this.#buffer.subarray(0, missing);
      pieces.push(piece);
      missing -= piece.length;
      this.#buffer = this.#buffer.subarray(piece.length);
    }
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  stopped(): Error {
    return gitError(this.gitDir, this.command, this.#errors);
  }

  /** Waits for the child. @throws UserError when it failed. */
  async ended(): Promise<void> {
    const code = this.#child.exitCode ?? (this.#child.signalCode ? null : await new Promise<number | null>((resolve) => this.#child.once('close', resolve)));
    if (code !== 0) throw this.stopped();
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    if (done) return false;
    this.#buffer = this.#buffer.length ? Buffer.concat([this.#buffer, value]) : value;
    return true;
  }
}
