/**
 * Any Python repository as it lies on this machine: a clone, a bare repository, or a folder without git. Of git only
 * committed objects are read; of a folder plain files, never through links. Nothing of it is executed.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { plainPath } from '../../data/file-names.js';
import { MAX_BLOB_BYTES } from '../../data/git/blobs.js';
import { checkWhole, commitOf, gitDirOf, isShallow, repositoryName } from '../../data/git/repository.js';
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
  const id = repositoryName(path);
  const gitDir = gitDirOf(path);
  if (gitDir === undefined && commit !== undefined) {
    throw new UserError(`${path} has no git history, so no commit ${commit}: leave --commit away.`);
  }
  const opened = gitDir === undefined ? fromFolder(path, id) : await fromGit(gitDir, id, commit);
  if (!opened.repository.files.some((file) => file.path.endsWith('.py'))) {
    const at = gitDir === undefined ? '' : ` at ${opened.repository.commit.slice(0, 12)}`;
    throw new UserError(`${path} holds no Python files${at}: adapters are written from Python code.`);
  }
  return opened;
}

async function fromGit(gitDir: string, id: string, commit: string | undefined): Promise<OpenedRepository> {
  const shallow = await isShallow(gitDir), head = await commitOf(gitDir, id, commit);
  await checkWhole(gitDir, id, head, false);
  const about = { id, licence: 'unknown', split: 'cr_test' as const };
  return { repository: { ...about, commit: head, ...(await filesAt(gitDir, head)) }, history: { ...about, gitDir, head }, shallow };
}

/** Links, files over 2 MB, names that no repository may have, folders of installed packages and what this user may not read are left out. */
function fromFolder(path: string, id: string): OpenedRepository {
  const files: SourceFile[] = [], refused: Record<string, number> = {};
  const refuse = (reason: string): void => { refused[reason] = (refused[reason] ?? 0) + 1; };
  /** What `read` gives; undefined, and counted, where this user may not. */
  const permitted = <T>(what: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOENT') throw error;
      // Gone since its folder was listed: as if it had never been there.
      if (code !== 'ENOENT') refuse(`${what} without permission`);
      return undefined;
    }
  };
  const visit = (folder: string) => {
    for (const entry of permitted('folder', () => readdirSync(join(path, folder), { withFileTypes: true })) ?? []) {
      const name = folder ? `${folder}/${entry.name}` : entry.name, plain = plainPath(name);
      if (entry.isDirectory()) {
        if (!('fault' in plain) && !SKIPPED_FOLDERS.has(entry.name)) visit(name);
      } else if (/\.(py|md|rst)$/.test(name)) {
        const bytes = 'fault' in plain ? plain.fault : !entry.isFile() ? 'link' : permitted('file', () => {
          const whole = join(path, name);
          return statSync(whole).size > MAX_BLOB_BYTES ? 'too large' : readFileSync(whole);
        });
        if (typeof bytes === 'string') refuse(bytes);
        else if (bytes) files.push({ path: name, bytes });
      }
    }
  };
  visit('');
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { repository: { id, commit: '', licence: 'unknown', split: 'cr_test', files, refused } };
}
