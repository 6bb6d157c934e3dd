/**
 * Releases or made-up revisions as a bare git repository, so that every history is read in the same way.
 * Author, message and times come from the revisions alone: the same revisions give the same commit ids.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { locked } from '../../store/lock.js';
import type { Progress } from '../../store/progress.js';
import { sayDamaged } from '../../store/sums.js';
import type { SourceFile } from '../types.js';
import { git, GitError } from './git.js';

/** One commit: the whole tree after it. */
export interface Revision {
  /** Committer time in seconds since 1970, UTC. */
  time: number;
  message: string;
  files: readonly SourceFile[];
}

/**
 * Writes `revisions`, oldest first, to a new bare repository at `gitDir`, which is whole or absent.
 * @returns the id of the newest commit.
 */
export async function writeHistory(gitDir: string, revisions: Iterable<Revision>): Promise<string> {
  const part = `${gitDir}.${process.pid}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(dirname(gitDir), { recursive: true });
  try {
    await git(part, ['init', '--quiet', '--bare', '--template=', '--initial-branch=main']);
    await git(part, ['fast-import', '--quiet', '--done', '--date-format=raw'], { input: Buffer.concat([...stream(revisions)]) });
    if (existsSync(gitDir)) rmSync(gitDir, { recursive: true });
    renameSync(part, gitDir);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  return headOf(gitDir);
}

/** As `writeHistory`, where no other process has written it meanwhile; one process at a time. */
export const writeHistoryOnce = (gitDir: string, revisions: () => Iterable<Revision>, progress: Progress): Promise<string> =>
  locked(gitDir, 'writing a history', progress, async () => (await writtenHead(gitDir, progress)) ?? writeHistory(gitDir, revisions()));

/** The id of a written history's newest commit; undefined where it is not there, or was damaged since, which is said. */
export async function writtenHead(gitDir: string, progress: Progress): Promise<string | undefined> {
  if (!existsSync(gitDir)) return undefined;
  try {
    await git(gitDir, ['fsck', '--full', '--no-dangling', '--no-progress']);
    return await headOf(gitDir);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    sayDamaged(gitDir, progress);
    return undefined;
  }
}

/** The id of the commit that HEAD names. */
export async function headOf(gitDir: string): Promise<string> {
  return (await git(gitDir, ['rev-parse', '--verify', 'HEAD^{commit}'])).toString('latin1').trim();
}

function* stream(revisions: Iterable<Revision>): Generator<Buffer> {
  for (const { time, message, files } of revisions) {
    const person = `code2lora <code2lora@localhost> ${time} +0000\n`;
    yield Buffer.from(`commit refs/heads/main\nauthor ${person}committer ${person}`);
    yield* data(Buffer.from(message));
    yield Buffer.from('deleteall\n');
    for (const { path, bytes } of files) {
      yield Buffer.from(`M 100644 inline ${JSON.stringify(path)}\n`);
      yield* data(Buffer.from(bytes));
    }
  }
  yield Buffer.from('done\n');
}

function* data(bytes: Buffer): Generator<Buffer> {
  yield Buffer.from(`data ${bytes.length}\n`);
  yield bytes;
  yield Buffer.from('\n');
}
