/**
 * Runs the tests: strict types of lib, tests and notebooks, lint, then every test file, and says what each took.
 * `npm test -- eval interval` runs only the test files whose path holds one of the words. `npm test -- long`, `faults` and
 * `fuzz` take hours: models that must be fetched, and thousands of draws.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, symlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { inRoot, jupyterEnv, root } from '../scripts/setup/paths.mjs';

/** Test files that run at once; the cores are shared out among them. */
const parallel = 2;
const threads = String(Math.max(1, Math.floor(availableParallelism() / parallel)));
const env = {
  ...process.env,
  ...jupyterEnv,
  // Tests serve what they fetch themselves, also behind a proxy.
  ...Object.fromEntries(['NO_PROXY', 'no_proxy'].map((name) => [name, [process.env[name], '127.0.0.1', 'localhost'].filter(Boolean).join(',')])),
  TF_CPP_MIN_LOG_LEVEL: '2',
  TF_NUM_INTRAOP_THREADS: threads,
  OMP_NUM_THREADS: threads,
};
const words = process.argv.slice(2);
/** Asked for by name, these take all their draws, files and models; in a whole run a few, or nothing. */
if (words.some((word) => ['long', 'faults', 'fuzz'].includes(word))) env.CODE2LORA_LONG_TESTS = '1';
const started = Date.now();
const failed = [];

/** @param quiet what it prints comes at its end: something else runs beside it */
async function stage(name, args, { own = {}, quiet = false } = {}) {
  const since = Date.now();
  if (!quiet) console.log(`\n── ${name}`);
  const child = spawn(process.execPath, args, { cwd: root, env: { ...env, ...own }, stdio: ['ignore', ...(quiet ? ['pipe', 'pipe'] : ['inherit', 'inherit'])] });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => said.push(bytes));
  const [status, signal] = await once(child, 'close');
  const ok = status === 0;
  if (!ok) failed.push(name);
  if (quiet) console.log(`\n── ${name}\n${Buffer.concat(said).toString()}`);
  console.log(`── ${name}: ${ok ? 'passed' : `FAILED${signal ? ` (${signal})` : ''}`} in ${((Date.now() - since) / 1000).toFixed(1)} s`);
  return ok;
}

// Tests import `../../lib/dist/…` as seen from their source; this link makes it true for their compiled twin as well.
if (!existsSync(inRoot('test', 'lib'))) symlinkSync('../lib', inRoot('test', 'lib'));

const compiled = await stage('types', [inRoot('node_modules/typescript/bin/tsc'), '-b', inRoot('test')]);
await stage('lint', [inRoot('node_modules/@biomejs/biome/bin/biome'), 'lint', '--error-on-warnings', '--diagnostic-level=warn', 'lib/src', 'test', 'scripts']);
await stage('notebooks', [inRoot('scripts/notebooks/check.mjs')]);

if (compiled) {
  // By the sources: a compiled test whose source is gone must not run.
  const tests = readdirSync(inRoot('test'), { recursive: true })
    .filter((path) => path.endsWith('.test.ts') && !/^(dist|lib|node_modules)\//.test(path))
    .map((path) => join('test', 'dist', path.replace(/\.ts$/, '.js')))
    .filter((path) => (words.length === 0 ? !path.includes('/long/') : words.some((word) => path.includes(word))))
    .sort();
  if (!tests.length) await stage(`test files named ${words.join(' ')}: there is none`, ['-e', 'process.exit(1)']);
  // The synthetic benchmark trains five models and gets all cores. The browser shows what the smoke run left, so it comes
  // last, a page at a time; it mostly waits, beside the benchmark.
  const [pages, benchmark] = ['/browser/', '/lab/synthetic.'].map((part) => tests.filter((path) => path.includes(part)));
  const others = tests.filter((path) => !pages.includes(path) && !benchmark.includes(path));
  const own = { TF_NUM_INTRAOP_THREADS: String(availableParallelism()), OMP_NUM_THREADS: String(availableParallelism()) };
  const run = (name, files, atOnce, options) =>
    (files.length ? stage(name, ['--test', '--test-reporter=spec', `--test-concurrency=${atOnce}`, ...files], options) : undefined);
  await run(`${others.length} test files`, others, parallel);
  await Promise.all([run('the synthetic benchmark', benchmark, 1, { own, quiet: true }), run('the browser', pages, 1, { own })]);
}

console.log(`\n${failed.length === 0 ? 'All passed' : `FAILED: ${failed.join(', ')}`} in ${((Date.now() - started) / 1000).toFixed(0)} s`);
process.exit(failed.length === 0 ? 0 : 1);
