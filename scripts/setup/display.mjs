/** What set-up shows: a line for each finished step, and meanwhile what runs, for how long, and what it usually takes. */
import { lastLine } from './run.mjs';

const duration = (seconds) =>
  seconds < 60 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;

export class Display {
  #active = new Map();
  #tty = process.stdout.isTTY === true;
  #timer = setInterval(() => this.#tick(), this.#tty ? 200 : 10_000).unref();

  /** A permanent line. */
  line(text) {
    this.#clear();
    console.log(text);
  }

  start(step) {
    this.#active.set(step, Date.now());
    if (!this.#tty) this.line(`  … ${step.name}, usually ${step.usually}`);
  }

  finish(step, note) {
    const seconds = (Date.now() - this.#active.get(step)) / 1000;
    this.#active.delete(step);
    this.line(`  ✓ ${step.name}${note ? `: ${note}` : ''} (${duration(seconds)})`);
  }

  close() {
    clearInterval(this.#timer);
    this.#clear();
  }

  #clear() {
    if (this.#tty) process.stdout.write('\r\x1b[K');
  }

  #tick() {
    const parts = [...this.#active].map(([step, since]) => {
      const tail = step.log ? lastLine(step.log) : '';
      return `${step.name} ${duration((Date.now() - since) / 1000)}, usually ${step.usually}${tail ? ` [${tail.slice(0, 50)}]` : ''}`;
    });
    if (parts.length === 0) return;
    const text = `  … ${parts.join(' · ')}`;
    if (this.#tty) process.stdout.write(`\r\x1b[K${text.slice(0, (process.stdout.columns ?? 80) - 1)}`);
    else console.log(text);
  }
}
