/**
 * Makes the project ready to run, straight after `git clone`: packages, Python environment, engine, kernel, compiled
 * library, browser. Each step is skipped when nothing it depends on has changed; a killed step is redone.
 * Plain Node, since it runs before any package is there. Nothing is written outside the project folder, except by
 * apt where it installs Chromium.
 */
import { mkdirSync, rmSync, statfsSync } from 'node:fs';
import { chromium } from './setup/chromium.mjs';
import { compile } from './setup/compile.mjs';
import { Display } from './setup/display.mjs';
import { engine } from './setup/engine.mjs';
import { explain, SetupError } from './setup/errors.mjs';
import { gpu } from './setup/gpu.mjs';
import { takeLock } from './setup/lock.mjs';
import { kernel, npmPackages, pythonEnvironment } from './setup/packages.mjs';
import { root, temporary } from './setup/paths.mjs';
import { checkPrerequisites } from './setup/prerequisites.mjs';
import { killAll } from './setup/run.mjs';

/** What node_modules, .venv and the download caches take together, with room for unpacking. */
const neededGigabytes = 6;

const isFresh = (step) => {
  try {
    return step.fresh();
  } catch {
    return false;
  }
};
const steps = [npmPackages, pythonEnvironment, engine, kernel, compile, chromium, gpu];

function checkDisk() {
  if (isFresh(npmPackages) && isFresh(pythonEnvironment)) return;
  const { bavail, bsize } = statfsSync(root);
  const free = (bavail * bsize) / 1e9;
  if (free >= neededGigabytes) return;
  throw new SetupError(`Set-up cannot start: ${root} has ${free.toFixed(1)} GB free and set-up needs ${neededGigabytes} GB. Free some space and run the same command again.`);
}

async function setUp(display) {
  const perform = async (step) => {
    if (isFresh(step)) return;
    display.start(step);
    display.finish(step, await step.run());
  };
  const packages = perform(npmPackages);
  const python = perform(pythonEnvironment);
  const compiled = packages.then(() => perform(compile));
  await Promise.all([
    compiled,
    packages.then(() => perform(chromium)),
    Promise.all([packages, python]).then(async () => {
      await perform(engine);
      await perform(kernel);
      await compiled;
      await perform(gpu);
    }),
  ]);
}

async function main() {
  if (steps.every(isFresh)) return;
  const display = new Display();
  const release = await takeLock((pid) => display.line(`Set-up waits for the one that runs already (process ${pid}).`));
  const stop = () => {
    killAll();
    release();
    process.exit(130);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    if (steps.every(isFresh)) return;
    checkPrerequisites();
    checkDisk();
    mkdirSync(temporary, { recursive: true });
    display.line('Set-up: what is not there yet (logs in data/cache/logs)');
    await setUp(display);
  } finally {
    killAll();
    rmSync(temporary, { recursive: true, force: true });
    release();
    display.close();
  }
}

try {
  await main();
} catch (error) {
  console.error(explain(error));
  process.exit(1);
}
