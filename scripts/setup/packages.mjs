/** The steps that fetch: npm packages into node_modules, and JupyterLab with TensorFlow into .venv. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { networkError, SetupError } from './errors.mjs';
import { inRoot, jupyterEnv, root, venv, venvPython } from './paths.mjs';
import { findPython } from './prerequisites.mjs';
import { run } from './run.mjs';
import { hash, hashFiles, readStamp, writeStamp } from './stamp.mjs';

const npmStamp = inRoot('node_modules', '.cache', 'code2lora', 'packages.json');

export const npmPackages = {
  name: 'npm packages',
  usually: '30 to 90 s',
  log: 'npm.log',
  key: () => hash(hashFiles(inRoot('package-lock.json'), inRoot('.npmrc')), process.versions.modules),
  fresh() {
    return readStamp(npmStamp)?.key === this.key();
  },
  async run() {
    // Without a network npm would try every package in turn, for minutes; what its cache holds may still be enough.
    const noNetwork = await run('npm', ['ping', '--fetch-retries=0', '--fetch-timeout=15000'], { log: this.log }).catch(networkError);
    try {
      await run('npm', ['ci', '--no-audit', '--no-fund', noNetwork ? '--offline' : '--prefer-offline'], { log: this.log });
    } catch (error) {
      throw noNetwork ?? error;
    }
    writeStamp(npmStamp, { key: this.key() });
  },
};

const venvStamp = join(venv, 'code2lora.json');

/** What the environment is for: `gpu` where a CUDA device answers; once installed it stays, its TensorFlow runs on CPUs as well. */
export function device() {
  if (readStamp(venvStamp)?.device === 'gpu') return 'gpu';
  return spawnSync('nvidia-smi', ['-L'], { encoding: 'utf8' }).stdout?.startsWith('GPU ') ? 'gpu' : 'cpu';
}

export const pythonEnvironment = {
  name: 'Python environment with JupyterLab and TensorFlow',
  usually: '1 to 3 min',
  log: 'pip.log',
  key(kind) {
    return hash(hashFiles(inRoot('scripts/setup/requirements.txt'), inRoot(`scripts/setup/requirements-${kind}.txt`)), root);
  },
  fresh() {
    return existsSync(venvPython) && readStamp(venvStamp)?.key === this.key(device());
  },
  async run() {
    const kind = device();
    await run(findPython(), ['-m', 'venv', '--clear', venv], { log: this.log });
    const requirements = inRoot(`scripts/setup/requirements-${kind}.txt`);
    // --no-compile: TensorFlow's Python is never imported here, and byte-compiling it takes as long as the download.
    const args = ['-m', 'pip', 'install', '--no-compile', '--prefer-binary', '--retries', '2', '-r', requirements];
    await run(venvPython, args, { log: this.log, append: true });
    // JupyterLab's own scripts are CommonJS; without this the project's `"type": "module"` would reach them.
    writeFileSync(join(venv, 'package.json'), '{ "type": "commonjs" }\n');
    writeStamp(venvStamp, { key: this.key(kind), device: kind });
    return kind === 'gpu' ? 'TensorFlow for CUDA, as nvidia-smi answers' : 'TensorFlow for CPUs, as no CUDA device answers';
  },
};

const kernelFile = join(venv, 'share', 'jupyter', 'kernels', 'tslab', 'kernel.json');
const labSettings = join(venv, 'etc', 'jupyter', 'labconfig', 'page_config.json');
const tslab = inRoot('node_modules', '.bin', 'tslab');
const launcher = inRoot('scripts', 'notebooks', 'kernel.mjs');

export const kernel = {
  name: 'TypeScript kernel for JupyterLab',
  usually: '3 s',
  log: 'kernel.log',
  fresh() {
    return existsSync(labSettings) && existsSync(kernelFile) && readFileSync(kernelFile, 'utf8').includes(JSON.stringify(launcher));
  },
  async run() {
    await run(tslab, ['install', '--sys-prefix', '--python', venvPython, '--binary', launcher], { log: this.log, env: jupyterEnv });
    // JupyterLab would ask at its first start whether it may fetch news.
    mkdirSync(dirname(labSettings), { recursive: true });
    writeFileSync(labSettings, JSON.stringify({ disabledExtensions: { '@jupyterlab/apputils-extension:announcements': true } }));
    if (!this.fresh()) throw new SetupError(`Set-up stopped: tslab did not register its kernel in ${kernelFile}.`);
  },
};
