/**
 * The invariant of every task, checked without a parser: the target is the file's text at the recorded bytes, and the
 * prefix is the file's text before it, all of it or the structured part. Line ends are compared as \n.
 */
import { MAX_PREFIX_CHARACTERS, MAX_PREFIX_LINES } from '../../lib/dist/data/prefix.js';
import { flatten } from '../../lib/dist/data/python.js';
import type { Task } from '../../lib/dist/data/types.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Null when `task` is true to the bytes of its file, else what is wrong. The prefix's last block, from the line that
 * defines the test (or the prefix's first line, when it was cut at its longest) to the target, must be in the file
 * without a gap and end where the target starts; the lines above must be the file's, in order, with blank lines where
 * some were left out.
 */
export function checkTask(task: Task, fileBytes: Uint8Array): string | null {
  const literal = utf8.decode(fileBytes.subarray(task.byteStart, task.byteEnd));
  if (flatten(literal) !== task.target) return `target is not the file's text at bytes ${task.byteStart}-${task.byteEnd}`;
  if (/[\r\n]/.test(task.target)) return 'target has a line break';
  const before = utf8.decode(fileBytes.subarray(0, task.byteStart)).split(/\r\n|\r|\n/);
  if (before.length !== task.line) return `target is on line ${before.length}, not ${task.line}`;

  const whole = before.join('\n');
  const isFullFile = task.prefix.length >= Math.min(whole.length, MAX_PREFIX_CHARACTERS) - 1;
  if (isFullFile && whole.endsWith(task.prefix)) return null;

  const prefix = task.prefix.split('\n');
  if (prefix.length > MAX_PREFIX_LINES) return `prefix has ${prefix.length} lines`;
  let same = 0;
  while (same < prefix.length && same < before.length && prefix.at(-1 - same) === before.at(-1 - same)) same++;
  if (same === 0) return 'prefix does not end where the target starts';
  const name = task.testFunction.split('.').at(-1)!;
  const block = prefix.slice(-same);
  if (same < MAX_PREFIX_LINES && !block.some((text) => text.includes(name))) return 'prefix has a gap inside the test';

  // Blank lines may stand for lines left out, so each run between them is looked for above the run below it.
  let below = before.length;
  for (const run of runsOf(prefix).reverse()) {
    let at = below - run.length;
    while (at >= 0 && !run.every((text, i) => before[at + i] === text)) at--;
    if (at < 0) return `prefix has lines that are not in the file at their place: ${run[0]}`;
    below = at;
  }
  return null;
}

/** The runs of lines that are not blank. */
function runsOf(lines: string[]): string[][] {
  const runs: string[][] = [[]];
  for (const line of lines) {
    if (line === '') runs.push([]);
    else runs.at(-1)!.push(line);
  }
  return runs.filter((run) => run.length > 0);
}
