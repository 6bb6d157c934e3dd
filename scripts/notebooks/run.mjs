/**
 * Runs notebooks from top to bottom in the tslab kernel: `node scripts/notebooks/run.mjs [name...] [--out folder]`.
 * A failing cell fails the run. The sources are not touched; executed copies go to `--out` (or nowhere).
 * CODE2LORA_PROFILE chooses the profile.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { jupyterEnv, root, venv } from '../setup/paths.mjs';
import { notebookPaths, readNotebook, source } from './notebooks.mjs';

const { values, positionals } = parseArgs({ options: { out: { type: 'string' } }, allowPositionals: true });
const jupyter = join(venv, 'bin', 'jupyter');
if (!existsSync(jupyter)) {
  console.error('Jupyter is not set up in .venv: run `npm run setup`.');
  process.exit(2);
}
const paths = notebookPaths(positionals);
const out = values.out ? resolve(values.out) : mkdtempSync(join(tmpdir(), 'notebooks-'));
try {
  for (const path of paths) await run(path);
} finally {
  if (!values.out) rmSync(out, { recursive: true });
}

async function run(path) {
  const name = basename(path);
  const start = Date.now();
  const { code, stderr } = await execute(jupyter, ['nbconvert', '--to', 'notebook', '--execute',
    // On a busy machine what a cell has shown arrives long after its reply; by itself nbconvert waits four seconds and leaves out the rest.
    '--ExecutePreprocessor.timeout=-1', '--ExecutePreprocessor.iopub_timeout=120', '--output-dir', out, '--output', name, path]);
  const problem = code === 0 ? floatingRejection(readNotebook(join(out, name))) : lastError(stderr);
  const seconds = ((Date.now() - start) / 1000).toFixed(1);
  if (problem) {
    console.error(`${name} failed after ${seconds} s\n${problem}`);
    process.exitCode = 1;
  } else {
    console.log(`${name} ran in ${seconds} s`);
  }
}

function execute(command, args) {
  return new Promise((resolvePromise, reject) => {
    const child = spawn(command, args, { cwd: root, env: { ...process.env, ...jupyterEnv }, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => { stderr += text; });
    child.on('error', reject);
    child.on('close', (code) => resolvePromise({ code, stderr }));
  });
}

/** nbconvert's account of the failing cell, without its own stack. */
function lastError(stderr) {
  const start = stderr.lastIndexOf('An error occurred while executing');
  return (start < 0 ? stderr : stderr.slice(start)).trim();
}

/** A promise that nobody awaited and that failed: tslab prints it and goes on, so nbconvert calls it a success. */
function floatingRejection(notebook) {
  const printed = notebook.cells.flatMap((cell) => cell.outputs ?? [])
    .filter((output) => output.name === 'stderr')
    .map((output) => source({ source: output.text }))
    .find((text) => text.includes('UnhandledPromiseRejection'));
  return printed && `A promise was not awaited and failed:\n${printed}`;
}
