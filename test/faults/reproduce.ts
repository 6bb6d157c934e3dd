/** `reproduce` of the smoke profile in a folder of its own: run to its end, interrupted, and compared with one that nothing happened to. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** All moments and files, or a few of each: `npm test -- faults` asks for all. */
export const full = Boolean(process.env['CODE2LORA_LONG_TESTS']);

/** A line of a program's stack, which no user should see. */
export const STACK = /^\s+at .*:\d+:\d+\)?$/m;

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  text: string;
  seconds: number;
}

/** @param program of the command line; @param stop sends a signal after so many milliseconds */
export async function reproduce(
  output: string, { stop, node = [], program = 'lib/bin/code2lora.js' }: { stop?: { after: number; signal: NodeJS.Signals }; node?: string[]; program?: string } = {},
): Promise<Ended> {
  const began = performance.now();
  const child = spawn(process.execPath, [...node, program, 'reproduce', '--profile', 'smoke'], { env: { ...process.env, CODE2LORA_OUTPUT: output }, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (d: Buffer) => { text += d.toString(); });
  child.stderr.on('data', (d: Buffer) => { text += d.toString(); });
  const timer = stop && setTimeout(() => child.kill(stop.signal), stop.after);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  return { code, signal, text, seconds: (performance.now() - began) / 1000 };
}

/** What a reader of results is shown: predictions, likelihoods and tables, without those of seconds. */
function shown(output: string): Map<string, Buffer> {
  const results = join(output, 'results', 'smoke');
  const runs = readdirSync(join(results, 'runs')).flatMap((id) => ['predictions.parquet', 'likelihoods.parquet'].map((name) => join('runs', id, name)));
  const tables = readdirSync(join(results, 'tables')).filter((name) => name.endsWith('.csv') && !name.startsWith('efficiency')).map((name) => join('tables', name));
  return new Map([...runs, ...tables].sort().map((name) => [name, readFileSync(join(results, name))]));
}

/** Runs to the end, and asserts that all numbers are those of `whole`. */
export async function goesOn(output: string, whole: string, after: string): Promise<string> {
  const { code, text } = await reproduce(output);
  assert.equal(code, 0, `after ${after}: ${text.slice(-1500)}`);
  const found = shown(output), expected = shown(whole);
  assert.deepEqual([...found.keys()], [...expected.keys()], after);
  for (const [name, bytes] of expected) assert.ok(bytes.equals(found.get(name)!), `after ${after}, ${name} differs`);
  return text;
}

/** Asserts that a command ended by itself with a line for a person, and no stack. */
export function endedWithLine({ code, text }: Ended, line: RegExp, after: string): void {
  assert.equal(code, 1, `after ${after}: ${text.slice(-1500)}`);
  assert.match(text, line, after);
  assert.doesNotMatch(text, STACK, `a stack after ${after}`);
}

export const hasEnded = (output: string): boolean => existsSync(join(output, 'results', 'smoke', 'tables', 'claims.csv'));
