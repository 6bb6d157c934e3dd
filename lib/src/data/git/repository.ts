/** A repository on this machine before it is read: where its git folder is, what it is called, and whether all of it is there. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../../store/errors.js';
import { git, GitError } from './git.js';

/** The folder with HEAD and objects: `path` itself, its `.git`, or where a `.git` file points to. */
export function gitDirOf(path: string): string | undefined {
  const isGit = (dir: string): boolean => existsSync(join(dir, 'HEAD')) && (existsSync(join(dir, 'objects')) || existsSync(join(dir, 'commondir')));
  const inner = join(path, '.git');
  if (existsSync(inner)) {
    if (statSync(inner).isDirectory()) return isGit(inner) ? inner : undefined;
    const target = /^gitdir: (.*)$/m.exec(readFileSync(inner, 'utf8'))?.[1];
    return target !== undefined && isGit(resolve(path, target)) ? resolve(path, target) : undefined;
  }
  return isGit(path) ? path : undefined;
}

/** Of a clone, its `.git`, or a bare `NAME.git`. */
export function repositoryName(path: string): string {
  const whole = resolve(path), last = basename(whole);
  return last === '.git' ? basename(dirname(whole)) : last.replace(/\.git$/, '');
}

/**
 * The full id of a commit by any name that git knows.
 * @throws UserError when there is none, or in git's own words when it cannot read the repository
 */
export async function commitOf(gitDir: string, name: string, wanted = 'HEAD'): Promise<string> {
  const id = await answer(gitDir, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${wanted}^{commit}`]);
  if (!id) throw new UserError(`${name} has no commit ${wanted} (${gitDir}): it is empty, or was fetched before that commit; fetch it anew.`);
  return id;
}

/** Whether its history is cut off, as `git clone --depth` does. */
export const isShallow = async (gitDir: string): Promise<boolean> => (await answer(gitDir, ['rev-parse', '--is-shallow-repository'])) === 'true';

/**
 * @param history whether all commits up to this one are needed, or its own files alone
 * @throws UserError when it is a partial clone (`--filter`) that lacks some of that: git would fetch it when asked, and is not let here
 */
export async function checkWhole(gitDir: string, name: string, commit: string, history: boolean): Promise<void> {
  const remote = /^remote\.(.+)\.promisor /m.exec(await answer(gitDir, ['config', '--get-regexp', String.raw`^remote\..*\.promisor$`]))?.[1];
  if (remote === undefined) return;
  const objects = await git(gitDir, ['rev-list', '--objects', '--missing=print', ...(history ? [] : ['--max-count=1']), commit, '--']);
  if (!/^\?/m.test(objects.toString('latin1'))) return;
  // What a repository calls its remote is its own text: only a plain name may stand in a command that somebody will run.
  const here = `git -C '${gitDir}'`, plain = /^[\w.-]+$/.test(remote) && !gitDir.includes("'");
  throw new UserError(`${name} is a partial clone, and lacks files that are read here. ${plain
    ? `Complete it: ${here} config --unset remote.${remote}.partialclonefilter; ${here} config --unset remote.${remote}.promisor; ${here} fetch --refetch ${remote}`
    : 'Clone it again without --filter.'}`);
}

/** What git says; empty where it says no without a reason. */
async function answer(gitDir: string, args: string[]): Promise<string> {
  try {
    return (await git(gitDir, args)).toString('utf8').trim();
  } catch (error) {
    if (error instanceof GitError && !error.said) return '';
    throw error;
  }
}
