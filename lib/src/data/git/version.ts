/** Which git is installed, and whether it is new enough: `cat-file --batch-command` came with 2.36. */
import { spawnSync } from 'node:child_process';
import { UserError } from '../../store/errors.js';

const LEAST = [2, 36] as const;
export const LEAST_GIT = LEAST.join('.');

/** As `git --version` says it; undefined where there is none. */
export function gitVersion(): string | undefined {
  return /^git version (\S+)/.exec(spawnSync('git', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1];
}

export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1]);
}

let fits = false;
/** @throws UserError when git is missing or too old. Asked once. */
export function checkGit(): void {
  if (fits) return;
  const version = gitVersion();
  if (version === undefined) throw new UserError(`git was not found: install git ${LEAST_GIT} or newer, histories are read with it.`);
  if (!isNewEnough(version)) {
    throw new UserError(`git ${version} is too old, histories need ${LEAST_GIT} or newer: on Ubuntu "sudo add-apt-repository ppa:git-core/ppa && sudo apt-get install git", or "conda install git" anywhere.`);
  }
  fits = true;
}
