/**
 * Pinned distributions into the cache. pip fetches wheels (so mirrors and proxies it is configured with are honoured),
 * from-index.ts the others; nothing is installed or run, and every file must have the pinned SHA-256.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../../store/errors.js';
import { sha256 } from '../../../store/hash.js';
import type { Progress } from '../../../store/progress.js';
import { checkPin, isWheel, type Pin } from './pins.js';
import { fetchFromIndex } from './from-index.js';

const PYTHON_VERSION = '3.11';
const PLATFORMS = ['manylinux2014', 'manylinux2010', 'manylinux1',
  ...[5, 12, 17, 24, 26, 27, 28, 31, 34, 35].map((minor) => `manylinux_2_${minor}`)].map((tag) => `${tag}_x86_64`);
/** Wheels per pip call: what an interruption can lose. */
const BATCH = 8;

/** Where a pinned distribution is once fetched. */
export function distributionPath(pin: Pin, cacheDir: string): string {
  return join(cacheDir, 'downloads', pin.file);
}

/**
 * Makes sure every pinned distribution is in `cacheDir/downloads` with the right hash; downloads those that are not.
 * What was finished before an error or an interruption stays.
 * @param python the Python whose pip is used; by default the workspace's .venv, else python3.
 * @returns the paths, in the order of the pins.
 * @throws UserError in one line: no network, wrong hash, broken download, full disk, no pip, no such file.
 */
export async function fetchDistributions(pins: readonly Pin[], cacheDir: string, progress: Progress, python = findPython()): Promise<string[]> {
  pins.forEach(checkPin);
  const missing = pins.filter((pin) => !isWhole(distributionPath(pin, cacheDir), pin));
  const report = (left: number) =>
    progress({ stage: 'fetching projects', done: pins.length - left, total: pins.length, note: left ? `${left} to download` : 'all here' });
  let left = missing.length;
  for (const batch of batches(missing.filter(isWheel))) {
    report(left);
    await fetchBatch(batch, cacheDir, python);
    left -= batch.length;
  }
  report(left);
  await fetchFromIndex(missing.filter((pin) => !isWheel(pin)), (pin) => distributionPath(pin, cacheDir), () => report(--left));
  report(0);
  return pins.map((pin) => distributionPath(pin, cacheDir));
}

/** Groups of at most BATCH pins: pip refuses two versions of one project in a call. */
function batches(pins: readonly Pin[]): Pin[][] {
  const groups: Pin[][] = [];
  for (const pin of pins) {
    const open = groups.find((group) => group.length < BATCH && group.every(({ name }) => name !== pin.name));
    if (open) open.push(pin);
    else groups.push([pin]);
  }
  return groups;
}

function isWhole(path: string, pin: Pin): boolean {
  return existsSync(path) && sha256(readFileSync(path)) === pin.sha256;
}

async function fetchBatch(pins: readonly Pin[], cacheDir: string, python: string): Promise<void> {
  const downloads = join(cacheDir, 'downloads');
  mkdirSync(downloads, { recursive: true });
  const folder = mkdtempSync(join(downloads, 'part-'));
  try {
    const requirements = join(folder, 'requirements.txt');
    writeFileSync(requirements, pins.map((pin) => `${pin.name}==${pin.version} --hash=sha256:${pin.sha256}\n`).join(''));
    const { code, output } = await run(python, ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--require-hashes',
      '--disable-pip-version-check', '--no-input', '--progress-bar', 'off', '--retries', '2',
      '--python-version', PYTHON_VERSION, '--implementation', 'cp', ...PLATFORMS.flatMap((tag) => ['--platform', tag]),
      '--dest', folder, '-r', requirements]);
    for (const pin of pins) {
      const file = join(folder, pin.file);
      if (isWhole(file, pin)) renameSync(file, distributionPath(pin, cacheDir));
    }
    const lost = pins.find((pin) => !isWhole(distributionPath(pin, cacheDir), pin));
    if (code !== 0) throw pipError(output, downloads, python);
    if (lost) throw new UserError(`pip fetched no ${lost.file} for ${lost.name} ${lost.version}: check the pin against the package index.`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What pip's output means to a person. The order matters: without a network pip also says that nothing matches. */
function pipError(output: string, downloads: string, python: string): UserError {
  const again = 'run the same command again, it goes on where it was';
  const which = /(?:^|\n)ERROR:.*?for ([\w.+-]+==[\w.+!-]+)|from \S*\/([\w.+-]+\.whl)/.exec(output);
  const what = which?.[1] ?? which?.[2] ?? 'a wheel';
  if (/No module named pip/.test(output)) return new UserError(`${python} has no pip: install it with "${python} -m ensurepip".`);
  if (/No space left on device|ENOSPC/.test(output)) return new UserError(`The disk is full at ${downloads}: free some space and ${again}.`);
  // Older pips see a download that broke off as a wrong hash.
  if (/DO NOT MATCH THE HASHES/.test(output)) {
    const named = /\n\s+([\w.-]+==\S+) from /.exec(output)?.[1] ?? what;
    return new UserError(`${named} does not have the pinned SHA-256: its download broke off, or the index serves another file. It was not kept; ${again}.`);
  }
  if (/IncompleteRead|Connection broken|incomplete-download|ProtocolError/.test(output)) return new UserError(`The download of ${what} broke off: ${again}.`);
  if (/NewConnectionError|name resolution|ConnectionError|Connection refused|ConnectTimeout|ReadTimeout|ProxyError|Network is unreachable/.test(output))
    return new UserError(`No connection to the package index: check the network and pip's configuration ("${python} -m pip config list"), then ${again}.`);
  const none = /No matching distribution found for ([^\s(]+)/.exec(output)?.[1];
  if (none) return new UserError(`The package index has no wheel for ${none}: check the pin, or pip's index with "${python} -m pip config list".`);
  const lines = output.trim().split('\n');
  return new UserError(`pip could not fetch the wheels: ${lines.filter((line) => line.startsWith('ERROR')).at(-1) ?? lines.at(-1) ?? 'it said nothing'}`);
}

function findPython(): string {
  const own = fileURLToPath(new URL('../../../../../.venv/bin/python', import.meta.url));
  return existsSync(own) ? own : 'python3';
}

/** Of pip's variables those by which it reaches the index: others would have it take other files, or put them elsewhere. */
const pipEnvironment = (): NodeJS.ProcessEnv => Object.fromEntries(Object.entries(process.env)
  .filter(([name]) => !/^(PIP_|PYTHON)/.test(name) || /(PROXY|CERT|INDEX_URL|TRUSTED_HOST|FIND_LINKS|NO_INDEX|KEYRING_PROVIDER|TIMEOUT|CONFIG_FILE)$/.test(name)));

function run(command: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: pipEnvironment() });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { output += chunk.toString(); });
    child.on('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ENOENT'
      ? new UserError(`Python was not found (${command}): install Python 3 with pip, wheels are fetched with it.`) : error));
    child.on('close', (code) => resolve({ code, output }));
  });
}
