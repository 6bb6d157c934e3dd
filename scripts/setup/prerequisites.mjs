/** What must be on the machine before set-up: each missing piece is named with the command that installs it. */
import { spawnSync } from 'node:child_process';
import { SetupError } from './errors.mjs';
import { root } from './paths.mjs';

const ok = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const answers = (command) => ok(command, ['--version']);

/** What a command of the superuser begins with: nothing for himself, who may have no sudo. */
export const asRoot = (more = '') => (process.getuid?.() === 0 ? '' : `sudo ${more}`);

const managers = {
  'apt-get': { install: `${asRoot()}apt-get update && ${asRoot()}apt-get install -y`, python: 'python3 python3-venv', compiler: 'g++', git: 'git' },
  dnf: { install: `${asRoot()}dnf install -y`, python: 'python3.12', compiler: 'gcc-c++', git: 'git' },
  pacman: { install: `${asRoot()}pacman -S --noconfirm`, python: 'python', compiler: 'gcc', git: 'git' },
  zypper: { install: `${asRoot()}zypper install -y`, python: 'python312 python312-pip', compiler: 'gcc-c++', git: 'git' },
  brew: { install: 'brew install', python: 'python@3.12', compiler: 'gcc', git: 'git' },
};

/** The command that installs a package here, by the package manager that is present (apt's where none is known). */
function remedy(piece) {
  const manager = managers[Object.keys(managers).find(answers) ?? 'apt-get'];
  return `${manager.install} ${manager[piece]}`;
}

/** TensorFlow publishes wheels for these versions; venv and pip must be part of the installation. */
const pythonCheck = 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))';

/** The first Python that can make .venv, or undefined. */
export function findPython() {
  return ['python3', 'python3.12', 'python3.13', 'python3.11', 'python3.10'].find((name) => ok(name, ['-c', pythonCheck]));
}

/** What `python3` is, where there is one. */
function foundPython() {
  const version = /^Python (\S+)/.exec(spawnSync('python3', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1];
  return version === undefined ? '' : ` (python3 is ${version})`;
}

const leastGcc = 11;

/** The C++ compiler to use, or undefined: the kernels are written with GCC's vector types. */
export function findCompiler() {
  return [process.env.CXX, 'g++', 'c++'].find((name) => name && gccVersion(name) >= leastGcc);
}

/** 0 where it is none. */
function gccVersion(name) {
  const { stdout } = spawnSync(name, ['-dM', '-E', '-x', 'c++', '/dev/null'], { encoding: 'utf8' });
  return !stdout || stdout.includes('__clang__') ? 0 : Number(/#define __GNUC__ (\d+)/.exec(stdout)?.[1] ?? 0);
}

export function nodeIsNewEnough() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19);
}

const leastGit = [2, 36];
/** Ubuntu 22.04 has 2.34. */
const gitRemedy = 'on Ubuntu "sudo add-apt-repository ppa:git-core/ppa && sudo apt-get install git", or "conda install git" anywhere';

/** What is wrong with the installed git, or undefined. */
function gitFault() {
  const version = /^git version (\S+)/.exec(spawnSync('git', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1];
  if (version === undefined) return `git: ${remedy('git')}`;
  const [major, minor] = version.split('.').map(Number);
  const fits = major > leastGit[0] || (major === leastGit[0] && minor >= leastGit[1]);
  return fits ? undefined : `git >= ${leastGit.join('.')} (this is ${version}): ${gitRemedy}`;
}

/** @throws {SetupError} naming every missing prerequisite, a line each */
export function checkPrerequisites() {
  const missing = [];
  if (process.platform !== 'linux') {
    missing.push(`Linux (this is ${process.platform}): use a Linux machine, a container, or WSL 2 on Windows`);
  }
  // A list of folders is written with colons.
  if (root.includes(':')) missing.push(`a folder without a colon in its path (this is ${root}): move the project`);
  if (!nodeIsNewEnough()) missing.push(`Node >= 20.19 (this is ${process.versions.node}): nvm install 22, or https://nodejs.org`);
  if (!answers('npm')) missing.push('npm: comes with Node, https://nodejs.org');
  if (!findPython()) missing.push(`Python 3.10 to 3.13 with venv and pip${foundPython()}: ${remedy('python')}, or "conda install python=3.12 pip" where the system has another`);
  if (!findCompiler()) missing.push(`a C++ compiler, GCC ${leastGcc} or newer${process.env.CXX ? ` (CXX is ${process.env.CXX})` : ''}: ${remedy('compiler')}`);
  const fault = gitFault();
  if (fault) missing.push(fault);
  if (missing.length > 0) {
    throw new SetupError(`Set-up cannot start. Missing:\n${missing.map((line) => `  - ${line}`).join('\n')}`);
  }
}
