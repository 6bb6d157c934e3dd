/**
 * Any Python repository as it lies on this machine: a clone, a bare repository, or a folder without git. Of git only
 * committed objects are read; of a folder plain files, never through links. Nothing of it is executed.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { plainPath } from '../../data/file-names.js';
import { MAX_BLOB_BYTES } from '../../data/git/blobs.js';
import { git } from '../../data/git/git.js';
import { filesAt } from '../../data/sources/git.js';
import { SKIPPED_FOLDERS } from '../../data/tests-files.js';
import type { History, Repository, SourceFile } from '../../data/types.js';
import { UserError } from '../../store/errors.js';

export interface OpenedRepository {
  /** The files at `commit`, which is empty without git. */
  repository: Repository;
  /** Up to that commit; absent without git. */
  history?: History;
  /** Where the history is cut off, as `git clone --depth` does. */
  shallow?: boolean;
}

/**
 * @param commit any name of one that git knows; HEAD when absent
 * @throws UserError when there is no such folder or commit, or no Python in it
 */
export async function openRepository(path: string, commit?: string): Promise<OpenedRepository> {
  if (!existsSync(path)) throw new UserError(`There is no repository at ${path}: give a folder with Python files, with or without git.`);
  if (!statSync(path).isDirectory()) throw new UserError(`${path} is a file: give the folder that it is in, or a clone.`);
  const id = basename(resolve(path)).replace(/\.git$/, '');
  const gitDir = gitDirOf(path);
  if (gitDir === undefined && commit !== undefined) {
    throw new UserError(`${path} has no git history, so no commit ${commit}: leave --commit away.`);
  }
  const opened = gitDir === undefined ? fromFolder(path, id) : await fromGit(gitDir, id, path, commit ?? 'HEAD');
  if (!opened.repository.files.some((file) => file.path.endsWith('.py'))) {
    const at = gitDir === undefined ? '' : ` at ${opened.repository.commit.slice(0, 12)}`;
    throw new UserError(`${path} holds no Python files${at}: adapters are written from Python code.`);
  }
  return opened;
}

/** git itself follows a `.git` that is a file. */
function gitDirOf(path: string): string | undefined {
  if (existsSync(join(path, '.git'))) return join(path, '.git');
  return existsSync(join(path, 'HEAD')) && existsSync(join(path, 'objects')) ? path : undefined;
}

async function fromGit(gitDir: string, id: string, path: string, wanted: string): Promise<OpenedRepository> {
  const ask = (...args: string[]) => git(gitDir, ['rev-parse', ...args]).then((out) => out.toString('latin1').trim());
  const shallow = (await ask('--is-shallow-repository')) === 'true';
  const head = await ask('--verify', '--quiet', '--end-of-options', `${wanted}^{commit}`).catch(() => '');
  if (!head) throw new UserError(`${path} has no commit ${wanted}: it is empty, or was fetched before that commit.`);
  const about = { id, licence: 'unknown', split: 'cr_test' as const };
  return { repository: { ...about, commit: head, ...(await filesAt(gitDir, head)) }, history: { ...about, gitDir, head }, shallow };
}

/** Links, files over 2 MB, names that no repository may have, and folders of installed packages are left out. */
function fromFolder(path: string, id: string): OpenedRepository {
  const files: SourceFile[] = [];
  const visit = (folder: string) => {
    for (const entry of readdirSync(join(path, folder), { withFileTypes: true })) {
      const name = folder ? `${folder}/${entry.name}` : entry.name, plain = plainPath(name);
      if ('fault' in plain) continue;
      if (entry.isDirectory()) {
        if (!SKIPPED_FOLDERS.has(entry.name)) visit(name);
      } else if (entry.isFile() && /\.(py|md|rst)$/.test(name) && statSync(join(path, name)).size <= MAX_BLOB_BYTES) {
        files.push({ path: name, bytes: readFileSync(join(path, name)) });
      }
    }
  };
  visit('');
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { repository: { id, commit: '', licence: 'unknown', split: 'cr_test', files } };
}
