/**
 * Progress in a terminal: one line a stage, redrawn in place, with what is left at the pace so far. Where the output
 * is not a terminal (a log file, CI) a plain line every ten seconds, and one when a stage ends.
 */
import type { Progress, ProgressUpdate } from '../store/progress.js';

export interface ProgressOutput {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

const BAR = 24;
const REDRAW_MS = 100;
const PLAIN_MS = 10_000;

/** `42 s`, `3 min 05 s`, `1 h 12 min`. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

function line({ stage, done, total, note }: ProgressUpdate, elapsed: number, doneBefore: number): string {
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const filled = Math.round(share * BAR);
  const gained = done - doneBefore;
  const left = gained > 0 ? (elapsed / gained) * (total - done) : undefined;
  const time = done >= total ? `took ${duration(elapsed)}` : `${duration(elapsed)}${left === undefined ? '' : `, about ${duration(left)} left`}`;
  return `${stage} [${'█'.repeat(filled)}${'·'.repeat(BAR - filled)}] ${Math.floor(share * 100)}% ${time}${note ? `, ${note}` : ''}`;
}

/**
 * A Progress that writes to `output`. A stage starts with its first update, or when `done` falls back, and ends when
 * `done` reaches `total` or another stage begins.
 */
export function terminalProgress(output: ProgressOutput = process.stderr, now: () => number = Date.now): Progress {
  let stage: string | undefined;
  let last = 0;
  /** Time and `done` at the first update: what an earlier run did is not part of this one's pace. */
  let first = { time: 0, done: 0 };
  let shown = 0;
  let finished = true;
  return (update) => {
    const time = now();
    if (update.stage !== stage || update.done < last) {
      if (output.isTTY && !finished) output.write('\n');
      stage = update.stage;
      first = { time, done: update.done };
      shown = Number.NEGATIVE_INFINITY;
    } else if (finished) {
      return;
    }
    last = update.done;
    finished = update.done >= update.total;
    if (!finished && time - shown < (output.isTTY ? REDRAW_MS : PLAIN_MS)) return;
    shown = time;
    const text = line(update, time - first.time, first.done);
    output.write(output.isTTY ? `\r\x1b[K${text.slice(0, (output.columns ?? 80) - 1)}${finished ? '\n' : ''}` : `${text}\n`);
  };
}
