/**
 * Makes the reference values that tests compare with, by running every test/fixtures/<topic>/make*.py. The packages
 * they need (PyTorch, transformers, peft) go into data/cache/fixtures-venv, several GB where pip picks a CUDA build;
 * CODE2LORA_FIXTURES_PYTHON names a Python that has them already. Words choose topics: `npm run fixtures -- model peft`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fixturesPython, fixturesVenv } from './fixtures-python.mjs';
import { explain, SetupError } from './setup/errors.mjs';
import { cache, inRoot, root, temporary } from './setup/paths.mjs';
import { findPython } from './setup/prerequisites.mjs';
import { run } from './setup/run.mjs';
import { hashFiles, readStamp, writeStamp } from './setup/stamp.mjs';

/** Written by the test that reads it, into a folder that the test names. */
const MADE_BY_TESTS = 'dataset/make.py';

const requirements = ['requirements.txt', 'requirements-no-deps.txt'].map((name) => inRoot('test', 'fixtures', name));
const stamp = join(fixturesVenv, 'code2lora.json');

async function install() {
  const key = hashFiles(...requirements);
  if (readStamp(stamp)?.key === key) return;
  const python = findPython();
  if (!python) throw new SetupError('The fixtures need Python 3.10 to 3.13 with venv and pip: run npm run setup, which says how to get it.');
  console.log('Installing PyTorch, transformers and peft into data/cache/fixtures-venv (log: data/cache/logs/fixtures.log)');
  mkdirSync(temporary, { recursive: true });
  const log = 'fixtures.log';
  await run(python, ['-m', 'venv', '--clear', fixturesVenv], { log });
  const pip = (...args) => run(join(fixturesVenv, 'bin', 'python'), ['-m', 'pip', 'install', '--prefer-binary', ...args], { log, append: true });
  await pip('-r', requirements[0]);
  await pip('--no-deps', '-r', requirements[1]);
  writeStamp(stamp, { key });
}

async function main(topics) {
  if (!process.env.CODE2LORA_FIXTURES_PYTHON) await install();
  const all = readdirSync(inRoot('test', 'fixtures'), { recursive: true })
    .filter((path) => /^[^/]+\/make\w*\.py$/.test(path) && path !== MADE_BY_TESTS)
    .sort();
  const known = [...new Set(all.map((path) => path.split('/')[0]))], unknown = topics.find((topic) => !known.includes(topic));
  if (unknown !== undefined) throw new SetupError(`There are no fixtures of ${unknown}: choose of ${known.join(', ')}.`);
  const scripts = all.filter((path) => topics.length === 0 || topics.includes(path.split('/')[0]));
  // Offline, for peft asks the hub about a model's name; one hash seed, so that Python's sets keep their order.
  const env = { ...process.env, HF_HUB_OFFLINE: '1', TRANSFORMERS_VERBOSITY: 'error', PYTHONHASHSEED: '0', PYTHONPYCACHEPREFIX: join(cache, 'pycache') };
  const failed = scripts.filter((path) => {
    console.log(`test/fixtures/${path}`);
    return spawnSync(fixturesPython(), [inRoot('test', 'fixtures', path)], { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] }).status !== 0;
  });
  if (failed.length) throw new SetupError(`Not made: ${failed.join(', ')}. See above for the reason.`);
  console.log('Done. "git status" shows what came out differently.');
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
