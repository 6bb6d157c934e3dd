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
