/** The steps that fetch: npm packages into node_modules, and JupyterLab with TensorFlow into .venv. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { networkError, SetupError } from './errors.mjs';
import { inRoot, jupyterEnv, reaches, root, toolEnv, venv, venvPython } from './paths.mjs';
import { findPython } from './prerequisites.mjs';
import { run } from './run.mjs';
import { hash, hashFiles, readStamp, writeStamp } from './stamp.mjs';

const npmStamp = inRoot('node_modules', '.cache', 'code2lora', 'packages.json');

/** Names of the project's packages that are not in node_modules. */
function lackingPackages() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  return Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !existsSync(inRoot('node_modules', name, 'package.json')));
}

export const npmPackages = {
  name: 'npm packages',
  usually: '30 to 90 s',
  log: 'npm.log',
  key: () => hash(hashFiles(inRoot('package-lock.json'), inRoot('.npmrc')), process.versions.modules),
  fresh() {
    return readStamp(npmStamp)?.key === this.key() && lackingPackages().length === 0;
  },
  async run() {
    // Without a network npm would try every package in turn, for minutes; what its cache holds may still be enough.
    const noNetwork = await run('npm', ['ping', '--fetch-retries=0', '--fetch-timeout=15000'], { log: this.log }).catch(networkError);
    try {
      await run('npm', ['ci', '--include=dev', '--include=optional', '--no-global', '--no-dry-run', '--no-audit', '--no-fund', noNetwork ? '--offline' : '--prefer-offline'], { log: this.log });
    } catch (error) {
      throw noNetwork ?? error;
    }
    const lacking = lackingPackages();
    if (lacking.length) throw new SetupError(`Set-up stopped: npm left out ${lacking.join(', ')}. Look for "omit", "only" or "prefix" in "npm config list".`);
    writeStamp(npmStamp, { key: this.key() });
  },
};

const venvStamp = join(venv, 'code2lora.json');
const requirements = inRoot('scripts/setup/requirements.txt');

/** Names of the required packages that are not in .venv. */
function lackingPython() {
  const lib = join(venv, 'lib');
  const folders = existsSync(lib) ? readdirSync(lib).map((python) => join(lib, python, 'site-packages')).filter(existsSync) : [];
  const plain = (name) => name.toLowerCase().replace(/[-_.]+/g, '_');
  const here = new Set(folders.flatMap((folder) => readdirSync(folder)).map((name) => plain(name.split('-')[0])));
  const names = readFileSync(requirements, 'utf8').split('\n').map((line) => /^([\w.-]+)==/.exec(line)?.[1]).filter(Boolean);
  return names.filter((name) => !here.has(plain(name)));
}

/** pip's files of settings are not read, but for how packages are reached. */
function pipNetwork() {
  const listed = spawnSync(venvPython, ['-m', 'pip', 'config', 'list'], { encoding: 'utf8', env: toolEnv }).stdout ?? '';
  const kept = [...listed.matchAll(/^(?:global|install|site|user)\.([\w-]+)='(.*)'$/gm)].map(([, name, value]) => [`PIP_${name.replaceAll('-', '_').toUpperCase()}`, value.replaceAll('\\n', ' ').trim()]);
  return { ...Object.fromEntries(kept.filter(([name]) => reaches(name))), PIP_CONFIG_FILE: '/dev/null' };
}

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
    return hash(hashFiles(requirements, inRoot(`scripts/setup/requirements-${kind}.txt`)), root);
  },
  fresh() {
    return existsSync(venvPython) && readStamp(venvStamp)?.key === this.key(device()) && lackingPython().length === 0;
  },
  async run() {
    const kind = device();
    await run(findPython(), ['-m', 'venv', '--clear', venv], { log: this.log });
    // --no-compile: TensorFlow's Python is never imported here, and byte-compiling it takes as long as the download.
    const args = ['-m', 'pip', 'install', '--no-compile', '--prefer-binary', '--retries', '2', '-r', inRoot(`scripts/setup/requirements-${kind}.txt`)];
    await run(venvPython, args, { log: this.log, append: true, env: pipNetwork() });
    const lacking = lackingPython();
    if (lacking.length) throw new SetupError(`Set-up stopped: pip did not put ${lacking.join(', ')} into .venv. Look for "target", "prefix" or "root" in "${venvPython} -m pip config list".`);
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
    // As values: Python writes letters outside ASCII in another way than JavaScript.
    return existsSync(labSettings) && existsSync(kernelFile) && JSON.parse(readFileSync(kernelFile, 'utf8')).argv.includes(launcher);
  },
  async run() {
    await run(tslab, ['install', '--sys-prefix', '--python', venvPython, '--binary', launcher], { log: this.log, env: jupyterEnv });
    // JupyterLab would ask at its first start whether it may fetch news.
    mkdirSync(dirname(labSettings), { recursive: true });
    writeFileSync(labSettings, JSON.stringify({ disabledExtensions: { '@jupyterlab/apputils-extension:announcements': true } }));
    if (!this.fresh()) throw new SetupError(`Set-up stopped: tslab did not register its kernel in ${kernelFile}.`);
  },
};
