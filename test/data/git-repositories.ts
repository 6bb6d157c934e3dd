/** Builds git repositories for the tests through `git fast-import`, honest and hostile. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';

/** What is at a path: the content, another mode (link, submodule, a blob that is there already), or nothing any more. */
export type Content = string | Uint8Array | { link: string } | { submodule: string } | { blob: string } | null;

export interface TestCommit {
  /** Committer time in seconds since 1970; an hour after the commit before when absent. */
  time?: number;
  /** Changes to the parent's tree. A path that starts with `"` is in git's own quoting, for bytes that are not UTF-8. */
  files?: Record<string, Content>;
  /** Index of the first parent; the commit before when absent, null for none. */
  from?: number | null;
  /** Indices of further parents. */
  merge?: number[];
}

export const FIRST = Date.UTC(2024, 0, 1) / 1000;
export const HOUR = 3600;

/** git with nothing of the user's settings. */
export function git(gitDir: string, args: readonly string[], input?: string | Uint8Array): Buffer {
  const env = { PATH: process.env['PATH'], HOME: gitDir, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_NO_REPLACE_OBJECTS: '1' };
  return execFileSync('git', [`--git-dir=${gitDir}`, ...args], { env, maxBuffer: 2 ** 30, stdio: 'pipe', ...(input !== undefined && { input }) });
}

/** Writes `commits` to a new bare repository whose HEAD is the last one. @returns the id of each */
export function makeRepository(gitDir: string, commits: readonly TestCommit[]): string[] {
  mkdirSync(dirname(gitDir), { recursive: true });
  git(gitDir, ['init', '--quiet', '--bare', '--initial-branch=main']);
  if (commits.length === 0) return [];
  const marks = join(gitDir, 'marks');
  git(gitDir, ['fast-import', '--quiet', `--export-marks=${marks}`], Buffer.concat([...stream(commits)]));
  const ids = readFileSync(marks, 'utf8').trim().split('\n').map((line) => line.slice(1).split(' ') as [string, string]);
  return ids.sort((a, b) => Number(a[0]) - Number(b[0])).map(([, id]) => id);
}

/** A clone with a work tree, as people have it. */
export function checkOut(gitDir: string, folder: string): void {
  git(gitDir, ['clone', '--quiet', '--no-hardlinks', gitDir, folder]);
}

/** A blob whose header says that it has `size` bytes but which has none: whoever reads it fails, who asks its size does not. */
export function emptyGiant(gitDir: string, size: number): string {
  const header = `blob ${size}\0`;
  const id = createHash('sha1').update(header).digest('hex');
  mkdirSync(join(gitDir, 'objects', id.slice(0, 2)), { recursive: true });
  writeFileSync(join(gitDir, 'objects', id.slice(0, 2), id.slice(2)), deflateSync(header));
  return id;
}

/** Every file under `folder` with the hash of its bytes. */
export function filesUnder(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path, createHash('sha256').update(readFileSync(path)).digest('hex')] as const;
  }).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function* stream(commits: readonly TestCommit[]): Generator<Buffer> {
  let time = FIRST - HOUR;
  for (const [i, commit] of commits.entries()) {
    time = commit.time ?? time + HOUR;
    const parent = commit.from === undefined ? i - 1 : (commit.from ?? -1);
    // A branch of its own for each: fast-import lets only new branches begin anywhere.
    yield Buffer.from(`commit refs/import/${i}\nmark :${i + 1}\ncommitter A <a@localhost> ${time} +0000\ndata 1\nm\n`);
    if (parent >= 0) yield Buffer.from(`from :${parent + 1}\n`);
    for (const other of commit.merge ?? []) yield Buffer.from(`merge :${other + 1}\n`);
    for (const [path, content] of Object.entries(commit.files ?? {})) {
      if (content === null) yield Buffer.from(`D ${path}\n`);
      else if (typeof content !== 'string' && 'submodule' in content) yield Buffer.from(`M 160000 ${content.submodule} ${path}\n`);
      else if (typeof content !== 'string' && 'blob' in content) yield Buffer.from(`M 100644 ${content.blob} ${path}\n`);
      else {
        const isLink = typeof content !== 'string' && 'link' in content;
        const bytes = Buffer.from((isLink ? content.link : content) as string);
        yield Buffer.from(`M ${isLink ? '120000' : '100644'} inline ${path}\ndata ${bytes.length}\n`);
        yield bytes;
        yield Buffer.from('\n');
      }
    }
  }
  yield Buffer.from(`reset refs/heads/main\nfrom :${commits.length}\n`);
}
