/**
 * Runs the tests: strict types of lib, tests and notebooks, lint, then every test file, and says what each took.
 * `npm test -- eval interval` runs only the test files whose path holds one of the words. `npm test -- long`, `faults` and
 * `fuzz` take hours: models that must be fetched, and thousands of draws.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, symlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { browsers, inRoot, jupyterEnv, root } from '../scripts/setup/paths.mjs';

/** Test files that run at once; the cores are shared out among them. */
const parallel = 2;
const threads = String(Math.max(1, Math.floor(availableParallelism() / parallel)));
const env = {
  ...process.env,
  ...jupyterEnv,
  PLAYWRIGHT_BROWSERS_PATH: browsers,
  TF_CPP_MIN_LOG_LEVEL: '2',
  TF_NUM_INTRAOP_THREADS: threads,
  OMP_NUM_THREADS: threads,
};
const words = process.argv.slice(2);
/** Asked for by name, these take all their draws, files and models; in a whole run a few, or nothing. */
if (words.some((word) => ['long', 'faults', 'fuzz'].includes(word))) env.CODE2LORA_LONG_TESTS = '1';
const started = Date.now();
const failed = [];

function stage(name, args, own = {}) {
  const since = Date.now();
  console.log(`\n── ${name}`);
  const { status, signal } = spawnSync(process.execPath, args, { cwd: root, env: { ...env, ...own }, stdio: ['ignore', 'inherit', 'inherit'] });
  const ok = status === 0;
  if (!ok) failed.push(name);
  console.log(`── ${name}: ${ok ? 'passed' : `FAILED${signal ? ` (${signal})` : ''}`} in ${((Date.now() - since) / 1000).toFixed(1)} s`);
  return ok;
}

// Tests import `../../lib/dist/…` as seen from their source; this link makes it true for their compiled twin as well.
if (!existsSync(inRoot('test', 'lib'))) symlinkSync('../lib', inRoot('test', 'lib'));

const compiled = stage('types', [inRoot('node_modules/typescript/bin/tsc'), '-b', inRoot('test')]);
stage('lint', [inRoot('node_modules/@biomejs/biome/bin/biome'), 'lint', '--error-on-warnings', '--diagnostic-level=warn', 'lib/src', 'test', 'scripts']);
const notebookCheck = inRoot('scripts/notebooks/check.mjs');
if (existsSync(notebookCheck)) stage('notebooks', [notebookCheck]);

if (compiled) {
  // By the sources: a compiled test whose source is gone must not run.
  const tests = readdirSync(inRoot('test'), { recursive: true })
    .filter((path) => path.endsWith('.test.ts') && !/^(dist|lib|node_modules)\//.test(path))
    .map((path) => join('test', 'dist', path.replace(/\.ts$/, '.js')))
    .filter((path) => (words.length === 0 ? !path.includes('/long/') : words.some((word) => path.includes(word))))
    .sort();
  if (!tests.length) stage(`test files named ${words.join(' ')}: there is none`, ['-e', 'process.exit(1)']);
  // The synthetic benchmark trains five models and gets all cores. The browser shows what the smoke run left, so it comes
  // last; it mostly waits, beside the benchmark.
  const [pages, benchmark] = ['/browser/', '/lab/synthetic.'].map((part) => tests.filter((path) => path.includes(part)));
  const others = tests.filter((path) => !pages.includes(path) && !benchmark.includes(path));
  const all = { TF_NUM_INTRAOP_THREADS: String(availableParallelism()), OMP_NUM_THREADS: String(availableParallelism()) };
  const last = [...benchmark, ...pages];
  for (const [name, files, own] of [[`${others.length} test files`, others], ['the synthetic benchmark and the browser', last, all]]) {
    if (files.length) stage(name, ['--test', '--test-reporter=spec', `--test-concurrency=${parallel}`, ...files], own);
  }
}

console.log(`\n${failed.length === 0 ? 'All passed' : `FAILED: ${failed.join(', ')}`} in ${((Date.now() - started) / 1000).toFixed(0)} s`);
process.exit(failed.length === 0 ? 0 : 1);
