/**
 * Repositories from git: a local one, bare or with a work tree, a mirror folder (`owner/name.git`), or a URL, which is
 * cloned bare into the cache. Only objects are read; nothing is checked out, and nothing of a repository is run.
 */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { reasonOf, UserError } from '../../store/errors.js';
import { locked } from '../../store/lock.js';
import type { Progress } from '../../store/progress.js';
import { foldPath, plainPath } from '../file-names.js';
import { BlobReader } from '../git/blobs.js';
import { git } from '../git/git.js';
import { lastBefore } from '../git/log.js';
import { checkWhole, commitOf, gitDirOf, isShallow, repositoryName } from '../git/repository.js';
import { type CrossRepoSplit, type History, type Repository, type Source, type SourceFile, SPLITS } from '../types.js';

/** One repository of a corpus. */
export interface GitPin {
  /** `owner/name`. */
  id: string;
  /** Where to clone it from. */
  url?: string;
  /** Where it is on this machine, instead of a URL or mirror. */
  path?: string;
  /** The newest commit to look at; HEAD when absent. */
  commit?: string;
  licence: string;
  split: CrossRepoSplit;
}

/** A file of data/corpora. */
export interface GitCorpus {
  name: string;
  description: string;
  /** Histories end before this day, YYYY-MM-DD in UTC; the benchmark's when absent. */
  cutoff?: string;
  repositories: GitPin[];
}

export interface GitSourceOptions {
  cacheDir: string;
  /** Folder with `owner/name.git` (or `owner/name`) for machines that do not reach the URLs. */
  mirror?: string;
  /** A repository that cannot be used is an error, in place of being left out: a benchmark named by its pins holds all of them. */
  whole?: boolean;
  /** Seconds since 1970: snapshots are of the last commit before; out-of-distribution repositories begin after. */
  cutoff: number;
}

/** Told while repositories are gone through, one after another. */
export const WALKING = 'reading git repositories';

export function gitSource(pins: readonly GitPin[], options: GitSourceOptions, progress: Progress): Source {
  const unusable: Source['unusable'] = [];
  const sorted = [...pins].sort((a, b) => SPLITS.indexOf(a.split) - SPLITS.indexOf(b.split));
  /** What `make` gives of each that can be used. */
  async function* each<T>(make: (history: History) => Promise<T>): AsyncGenerator<T> {
    for (const [i, pin] of sorted.entries()) {
      progress({ stage: WALKING, done: i, total: sorted.length, note: pin.id });
      try {
        yield await make(await openHistory(pin, options, progress));
      } catch (error) {
        if (options.whole || !(error instanceof UserError)) throw error;
        unusable.push({ id: pin.id, reason: error.message });
      }
    }
    progress({ stage: WALKING, done: sorted.length, total: sorted.length });
  }
  const histories = () => each(async (history) => {
    await checkWhole(history.gitDir, history.id, history.head, true);
    return history;
  });
  const snapshots = () => each((history) => snapshot(history, history.split === 'ood_test' ? Number.POSITIVE_INFINITY : options.cutoff));
  return { snapshots, histories, unusable };
}

/** @throws UserError when there is no such repository, or it is shallow, empty, or in the wrong set by its age. */
async function openHistory(pin: GitPin, options: GitSourceOptions, progress: Progress): Promise<History> {
  const gitDir = await locate(pin, options, progress);
  if (await isShallow(gitDir)) throw new UserError(`${pin.id} is a shallow clone: run "git fetch --unshallow" in it.`);
  const head = await commitOf(gitDir, pin.id, pin.commit);
  if (pin.split === 'ood_test') {
    const began = await firstCommitTime(gitDir, head);
    if (began < options.cutoff) {
      throw new UserError(`${pin.id} began on ${new Date(began * 1000).toISOString().slice(0, 10)}, before the cut-off: it cannot be in the out-of-distribution set.`);
    }
  }
  return { id: pin.id, licence: pin.licence, split: pin.split, gitDir, head };
}

/** The earliest author or committer time of any commit without a parent. */
async function firstCommitTime(gitDir: string, head: string): Promise<number> {
  const out = (await git(gitDir, ['log', '--max-parents=0', '--format=%at %ct', head, '--'])).toString('latin1');
  return out.trim().split(/\s+/).reduce((first, time) => Math.min(first, Number(time)), Number.POSITIVE_INFINITY);
}

/** The last first-parent commit before the cut-off, with its text files. */
async function snapshot(history: History, cutoff: number): Promise<Repository> {
  const commit = await lastBefore(history.gitDir, history.head, cutoff);
  if (!commit) throw new UserError(`${history.id} has no commit before the cut-off.`);
  await checkWhole(history.gitDir, history.id, commit, false);
  const { files, refused } = await filesAt(history.gitDir, commit);
  return { id: history.id, commit, licence: history.licence, split: history.split, files, refused };
}

/** Most bytes of text read of one snapshot. */
const MAX_SNAPSHOT_BYTES = 512 * 1024 * 1024;

/** The .py, .md and .rst files of a commit, and how many entries were left out, by reason. */
export async function filesAt(gitDir: string, commit: string): Promise<{ files: SourceFile[]; refused: Record<string, number> }> {
  const refused: Record<string, number> = {};
  const refuse = (reason: string): void => { refused[reason] = (refused[reason] ?? 0) + 1; };
  const wanted: { path: string; blob: string }[] = [];
  const seen = new Set<string>();
  for (const line of (await git(gitDir, ['ls-tree', '-r', '-z', '--full-tree', commit])).toString('utf8').split('\0').filter(Boolean)) {
    const [, mode, blob, name] = /^(\d+) \w+ ([0-9a-f]+)\t([\s\S]*)$/.exec(line) ?? [];
    const plain = plainPath(name ?? '');
    if (mode === '120000') refuse('link');
    else if (mode === '160000') refuse('submodule');
    else if ('fault' in plain) refuse(plain.fault);
    else if (!/\.(py|md|rst)$/.test(plain.path)) refuse('not .py, .md or .rst');
    else if (seen.has(foldPath(plain.path))) refuse('duplicate or case-clashing name');
    else {
      seen.add(foldPath(plain.path));
      wanted.push({ path: plain.path, blob: blob! });
    }
  }
  const files: SourceFile[] = [];
  const blobs = new BlobReader(gitDir);
  let total = 0;
  try {
    for (let at = 0; at < wanted.length; at += 64) {
      const part = wanted.slice(at, at + 64);
      const contents = await blobs.read(part.map(({ blob }) => blob));
      part.forEach(({ path }, i) => {
        const bytes = contents[i]!;
        if (typeof bytes === 'string') refuse(bytes);
        else if (Buffer.from(bytes.subarray(0, 42)).toString('latin1').startsWith('version https://git-lfs.github.com/spec/')) refuse('LFS pointer');
        else if (total + bytes.length > MAX_SNAPSHOT_BYTES) refuse('too much text');
        else {
          total += bytes.length;
          files.push({ path, bytes });
        }
      });
    }
  } finally {
    blobs.close();
  }
  return { files, refused };
}

/** The git folder of a repository, cloned if it has to be. */
async function locate(pin: GitPin, { cacheDir, mirror }: GitSourceOptions, progress: Progress): Promise<string> {
  if (pin.path !== undefined) return gitDirOf(pin.path) ?? missing(`There is no git repository at ${pin.path}: give a clone or a bare repository.`);
  if (!/^[\w.-]+\/[\w.-]+$/.test(pin.id) || pin.id.split('/').includes('..')) throw new UserError(`${JSON.stringify(pin.id)} is no owner/name.`);
  if (mirror !== undefined) {
    return gitDirOf(join(mirror, `${pin.id}.git`)) ?? gitDirOf(join(mirror, pin.id))
      ?? missing(`${pin.id} is not in the mirror: expected ${join(mirror, `${pin.id}.git`)}.`);
  }
  const gitDir = resolve(cacheDir, 'git', `${pin.id}.git`);
  const cloned = async () => {
    const here = gitDirOf(gitDir);
    return here !== undefined && (pin.commit === undefined || (await hasCommit(here, pin.commit))) ? here : undefined;
  };
  return (await cloned()) ?? locked(gitDir, `cloning ${pin.id}`, progress, async () => (await cloned()) ?? clone(pin, gitDir));
}

async function clone(pin: GitPin, gitDir: string): Promise<string> {
  if (pin.url === undefined || !/^https:\/\/[\w.-]+\/[\w./-]+$/.test(pin.url)) throw new UserError(`${pin.id} has no https URL: give one, a path, or a mirror.`);
  const part = `${gitDir}.${process.pid}.part`;
  mkdirSync(dirname(gitDir), { recursive: true });
  try {
    await git(part, ['clone', '--quiet', '--bare', '--no-tags', '--single-branch', '--template=', '--', pin.url, part], { protocol: 'https' });
    // One that no branch leads to any more, or another branch than the default one.
    if (pin.commit !== undefined && !(await hasCommit(part, pin.commit))) {
      await git(part, ['fetch', '--quiet', '--no-tags', '--', pin.url, `${pin.commit}:refs/heads/code2lora-pinned`], { protocol: 'https' });
    }
    rmSync(gitDir, { recursive: true, force: true });
    renameSync(part, gitDir);
  } catch (error) {
    throw new UserError(`${pin.id} could not be cloned from ${pin.url} (${reasonOf(error)}): check the network, or give a folder of clones with --mirror (in a notebook: the environment variable CODE2LORA_MIRROR).`);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  return gitDir;
}

async function hasCommit(gitDir: string, commit: string): Promise<boolean> {
  return git(gitDir, ['cat-file', '-e', `${commit}^{commit}`]).then(() => true, () => false);
}

function missing(message: string): never {
  throw new UserError(message);
}

/** A repository on this machine as a corpus of its own. */
export function localPin(path: string, split: CrossRepoSplit): GitPin {
  return { id: repositoryName(path), path, licence: 'unknown', split };
}
