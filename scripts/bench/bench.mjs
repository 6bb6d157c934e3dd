/**
 * How fast things are: `npm run bench` measures all that can be measured here, `npm run bench -- generate embed` these
 * parts only. What follows an option goes to the part: `npm run bench -- curation --mirror DIR`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fixturesPython } from '../fixtures-python.mjs';
import { inRoot, root, venvPython } from '../setup/paths.mjs';

const script = (name) => inRoot('scripts', 'bench', name);
const versusTransformers = (name, ...args) => ({
  command: [process.execPath, script(name), ...args],
  missing: () => !fixturesPython() && 'compares with transformers: "npm run fixtures" installs it',
});

/** A part is a command that prints what it measured and fails below its bar. */
const parts = {
  generate: versusTransformers('generate.mjs'),
  embed: versusTransformers('embed.mjs'),
  train: versusTransformers('train.mjs'),
  'generate-0.5b': versusTransformers('generate.mjs', '0.5b'),
  'embed-0.5b': versusTransformers('embed.mjs', '0.5b'),
  'train-0.5b': versusTransformers('train.mjs', '0.5b'),
  products: { command: [process.execPath, script('products.mjs')], missing: () => false },
  gpu: { command: [process.execPath, script('gpu.mjs')], missing: () => !existsSync('/dev/nvidiactl') && !existsSync('/dev/dxg') && 'needs a GPU' },
  scaling: { command: [process.execPath, script('scaling/measure.mjs')], missing: () => false },
  'scaling-page': { command: [process.execPath, script('scaling/page.mjs')], missing: () => false },
  curation: { command: [venvPython, script('curation.py')], missing: () => false },
};

const firstOption = process.argv.findIndex((arg, i) => i > 1 && arg.startsWith('--'));
const words = process.argv.slice(2, firstOption < 0 ? undefined : firstOption);
const options = firstOption < 0 ? [] : process.argv.slice(firstOption);
const unknown = words.find((word) => !(word in parts));
if (unknown) {
  console.error(`There is no benchmark "${unknown}". Known: ${Object.keys(parts).join(', ')}.`);
  process.exit(1);
}
if (options.length && words.length !== 1) {
  console.error(`${options[0]} is for one benchmark: name it before, as in "npm run bench -- curation --mirror DIR".`);
  process.exit(1);
}

const failed = [];
for (const name of words.length ? words : Object.keys(parts)) {
  const { command: [program, ...args], missing } = parts[name];
  const reason = missing();
  console.log(`\n── ${name}${reason ? `: not measured, it ${reason}` : ''}`);
  // Asked for by name, a benchmark that cannot run is a failure.
  if (reason ? words.length : spawnSync(program, [...args, ...options], { cwd: root, stdio: 'inherit' }).status !== 0) failed.push(name);
}
if (failed.length) console.log(`\nFailed or below the bar: ${failed.join(', ')}`);
process.exitCode = failed.length ? 1 : 0;
