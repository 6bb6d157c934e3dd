/** `code2lora doctor`: what the project found on this machine, and what is missing for what; `--gpu` tries the GPU. Changes nothing. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gitVersion, isNewEnough, LEAST_GIT } from '../data/git/version.js';
import { explain } from '../store/errors.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

function output(command: string, args: string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return status === 0 ? stdout.trim() : undefined;
}

/** As set-up looks for it: the kernels are written with GCC's vector types. */
const LEAST_GCC = 11;
function gcc(name: string): string | undefined {
  const macros = output(name, ['-dM', '-E', '-x', 'c++', '/dev/null']) ?? '', version = Number(/#define __GNUC__ (\d+)/.exec(macros)?.[1] ?? 0);
  return version >= LEAST_GCC && !macros.includes('__clang__') ? output(name, ['--version'])?.split('\n')[0] : undefined;
}

function npmVersion(name: string): string | undefined {
  const path = join(root, 'node_modules', name, 'package.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version : undefined;
}

/** Versions of the packages in .venv by lower-case name, read from their folders: asking pip takes a second. */
function pythonPackages(): Map<string, string> {
  const lib = join(root, '.venv', 'lib');
  if (!existsSync(lib)) return new Map();
  const packages = new Map<string, string>();
  for (const python of readdirSync(lib)) {
    for (const name of readdirSync(join(lib, python, 'site-packages'))) {
      const [, project, version] = /^(.+)-([^-]+)\.dist-info$/.exec(name) ?? [];
      if (project && version) packages.set(project.toLowerCase(), version);
    }
  }
  return packages;
}

/** One line of the report: what was found, or what is left out without it and how to get it. */
interface Finding {
  name: string;
  found: string | undefined;
  neededFor: string;
  remedy: string;
}

async function engine(): Promise<{ found: string | undefined; reason: string }> {
  try {
    const { device, unusedGpu } = await import('../engine/tensorflow.js'), unused = unusedGpu();
    return { found: unused ? `${device()}. ${unused}` : device(), reason: '' };
  } catch (error) {
    return { found: undefined, reason: explain(error) };
  }
}

async function chromium(): Promise<string | undefined> {
  try {
    const path = (await import('../report/chromium.js')).findChromium();
    const version = path && output(path, ['--version']);
    return version && `${path}, ${version}`;
  } catch {
    return undefined;
  }
}

async function findings(): Promise<Finding[]> {
  const python = pythonPackages();
  const tensorflow = ['tensorflow_cpu', 'tensorflow'].flatMap((name) => (python.has(name) ? [`${python.get(name)} (${name})`] : []))[0];
  const built = await engine();
  const git = gitVersion();
  const setUp = 'npm run setup';
  const everything = 'everything';
  const notebooks = 'notebooks';
  const kernel = join(root, '.venv/share/jupyter/kernels/tslab/kernel.json');
  return [
    { name: 'Node', found: process.versions.node, neededFor: everything, remedy: 'https://nodejs.org' },
    { name: 'npm', found: output('npm', ['--version']), neededFor: 'set-up', remedy: 'https://nodejs.org' },
    { name: 'Python', found: output(join(root, '.venv/bin/python'), ['--version'])?.replace('Python ', ''), neededFor: everything, remedy: setUp },
    { name: 'C++ compiler', found: [process.env['CXX'], 'g++', 'c++'].map((name) => name && gcc(name)).find(Boolean), neededFor: 'building the engine', remedy: `sudo apt-get install -y g++ (GCC ${LEAST_GCC} or newer; another compiler does not build it)` },
    { name: 'TensorFlow', found: tensorflow, neededFor: everything, remedy: setUp },
    { name: 'tfjs', found: npmVersion('@tensorflow/tfjs-node-gpu'), neededFor: everything, remedy: setUp },
    { name: 'Engine', found: built.found, neededFor: `${everything} that computes`, remedy: built.reason || setUp },
    { name: 'git', found: git && isNewEnough(git) ? git : undefined, neededFor: 'histories', remedy: `${git ? `${git} is too old: ` : ''}install git ${LEAST_GIT} or newer` },
    { name: 'JupyterLab', found: python.get('jupyterlab'), neededFor: notebooks, remedy: setUp },
    { name: 'plotly renderer', found: python.get('plotly'), neededFor: 'figures in notebooks', remedy: setUp },
    { name: 'tslab', found: npmVersion('tslab'), neededFor: notebooks, remedy: setUp },
    { name: 'tslab kernel', found: existsSync(kernel) ? 'registered in .venv' : undefined, neededFor: notebooks, remedy: setUp },
    { name: 'Chromium', found: await chromium(), neededFor: 'figures as SVG, PNG and PDF, and the browser test', remedy: process.env['CHROMIUM_PATH'] ? 'CHROMIUM_PATH names none that starts: unset it, or set it to a Chromium' : 'sudo apt-get install -y chromium, or set CHROMIUM_PATH' },
  ];
}

export const USAGE = `Usage: npx code2lora doctor [--gpu]

  --gpu   tries the GPU: whether TensorFlow finds it and computes there, its rate, and a training step beside the processor's`;

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { gpu: { type: 'boolean' } } });
  if (values.gpu) return (await import('./gpu-check.js')).checkGpu();
  const found = await findings();
  const { bavail, bsize } = statfsSync(root);
  const rows: [string, string][] = [
    ...found.map((finding): [string, string] => [finding.name, finding.found ?? 'missing']),
    ['CPU', `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} threads`],
    ['Memory', `${gigabytes(freemem())} free of ${gigabytes(totalmem())}`],
    ['Disk', `${gigabytes(bavail * bsize)} free at ${root}`],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(18)}${value}`);
  const missing = found.filter((finding) => finding.found === undefined);
  console.log(missing.length === 0 ? '\nNothing is missing.' : '\nMissing:');
  for (const { name, neededFor, remedy } of missing) console.log(`  ${name}, needed for ${neededFor}: ${remedy}`);
  // Chromium and the compiler are needed for a part only; without the rest nothing runs.
  if (missing.some(({ neededFor }) => neededFor.startsWith('everything'))) process.exitCode = 1;
}
