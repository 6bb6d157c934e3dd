/** Runs the tools of set-up: output into a log file, its end shown on failure, all of them ended with set-up itself. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { knownCause, SetupError } from './errors.mjs';
import { logs, root, toolEnv } from './paths.mjs';

const running = new Set();

export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

/** The last line of a log that is no warning: what the tool is doing now. */
export function lastLine(log) {
  try {
    const lines = readFileSync(join(logs, log), 'utf8').split('\n');
    return lines.findLast((line) => line.trim() && !/^(npm )?warn/i.test(line))?.trim() ?? '';
  } catch {
    return '';
  }
}

/**
 * Runs a command to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {{ log: string, cwd?: string, env?: Record<string, string>, append?: boolean, timeoutSeconds?: number }} options
 * @throws {SetupError} naming the known cause (disk, network) or showing the end of the log
 */
export async function run(command, args, { log, cwd = root, env = {}, append = false, timeoutSeconds }) {
  mkdirSync(logs, { recursive: true });
  const path = join(logs, log);
  const out = openSync(path, append ? 'a' : 'w');
  const failure = await new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: { ...toolEnv, ...env }, stdio: ['ignore', out, out] });
    running.add(child);
    const timer = timeoutSeconds && setTimeout(() => child.kill('SIGKILL'), timeoutSeconds * 1000);
    const finish = (result) => {
      clearTimeout(timer);
      running.delete(child);
      resolve(result);
    };
    child.on('error', (error) => finish(error.message));
    child.on('close', (code, signal) => finish(code === 0 ? null : signal ? `ended by ${signal}` : `exit code ${code}`));
  });
  closeSync(out);
  if (!failure) return;
  const output = readFileSync(path, 'utf8');
  const cause = knownCause(output.slice(-20_000));
  const what = [command.split('/').at(-1), ...args.slice(0, 3)].join(' ');
  if (cause) throw new SetupError(`Set-up stopped at "${what}": ${cause} (log: ${relative(root, path)})`);
  // npm says its reason first and its manual last; others end with the reason.
  const lines = output.trimEnd().split('\n').filter((line) => !/^(npm )?warn/i.test(line));
  const tail = (command === 'npm' ? lines.slice(0, 15) : lines.slice(-15)).join('\n');
  throw new SetupError(`Set-up stopped at "${what}" (${failure}). From ${relative(root, path)}:\n${tail}`);
}
