/**
 * Files of a repository on the Hugging Face hub. Its list is asked for once a revision; a transfer that breaks off is
 * gone on with, and every file must have the size and the hash that the hub lists. Once the files are here no network
 * is needed.
 *
 * HF_ENDPOINT names another hub or a mirror and HF_TOKEN an access token, as for Hugging Face's own tools.
 */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { datasetInfo, downloadFile, HubApiError, listFiles, modelInfo } from '@huggingface/hub';
import { writeFileAtomic } from './atomic.js';
import { UserError } from './errors.js';
import { isFields } from './fields.js';
import { fetchHere } from './fetch.js';
import { locked } from './lock.js';
import type { Progress } from './progress.js';
import { storedJson } from './stored-json.js';

export interface HubRepo {
  type: 'dataset' | 'model';
  /** `owner/name`. */
  name: string;
  /** A commit id, or a tag or branch that stands for one. */
  revision: string;
}

export interface HubFile {
  path: string;
  /** Bytes. */
  size: number;
  /** SHA-256 of the content; for a file outside large-file storage git's SHA-1, which is shorter. */
  hash: string;
}

const ID = /^([A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*)(?:@([A-Za-z0-9][\w.-]*))?$/;
const COMMIT = /^[0-9a-f]{40}$/;

/** Progress counts megabytes, and is reported this often. */
const MB = 1e6, REPORT_BYTES = 4e6;

/** @param id `owner/name`, which is its branch main, or `owner/name@revision`. Throws a UserError when it is neither. */
export function hubRepo(type: HubRepo['type'], id: string): HubRepo {
  const [, name, revision = 'main'] = ID.exec(id) ?? [];
  if (!name) throw new UserError(`${JSON.stringify(id)} is not a ${type} of the hub: give owner/name or owner/name@revision.`);
  return { type, name, revision };
}

/** Where the files of a revision are once fetched. */
export function hubFolder(repo: HubRepo, cacheDir: string): string {
  return join(revisionsFolder(repo, cacheDir), repo.revision);
}

function revisionsFolder({ type, name }: HubRepo, cacheDir: string): string {
  return join(cacheDir, 'hub', `${type === 'model' ? 'models--' : ''}${name.replace('/', '--')}`);
}

/**
 * The repository at the commit that its revision stands for. The answer is kept in `commit-of/<revision>`: `main` stays
 * the commit it was at first, and with it every result, until that file is deleted. Results are named by the revision, so those
 * of the earlier commit, in data/cache and results, are to be deleted with it.
 * @throws UserError in one line: no network, no such repository or revision, access denied.
 */
export async function pinRevision(repo: HubRepo, cacheDir: string): Promise<HubRepo> {
  if (COMMIT.test(repo.revision)) return repo;
  const path = join(revisionsFolder(repo, cacheDir), 'commit-of', repo.revision);
  if (!existsSync(path)) writeFileAtomic(path, await commitOf(repo));
  return { ...repo, revision: readFileSync(path, 'utf8') };
}

async function commitOf(repo: HubRepo): Promise<string> {
  try {
    const asked = { name: repo.name, revision: repo.revision, additionalFields: ['sha' as const], ...hub() };
    const { sha } = await (repo.type === 'model' ? modelInfo(asked) : datasetInfo(asked));
    if (!COMMIT.test(sha)) throw new Error('no commit id');
    return sha;
  } catch (error) {
    throw hubError(error, repo, 'its revision');
  }
}

const isHubFile = (x: unknown): x is HubFile =>
  isFields(x) && typeof x['path'] === 'string' && Number.isSafeInteger(x['size']) && typeof x['hash'] === 'string';

/**
 * All files of a repository; asked for once, as a revision does not change.
 * @param folder keeps the list
 * @throws UserError in one line: no network, no such repository or revision, access denied.
 */
export async function listHubFiles(repo: HubRepo, folder: string): Promise<HubFile[]> {
  const path = join(folder, 'hub-files.json');
  const known = storedJson(path);
  if (Array.isArray(known) && known.every(isHubFile)) return known;
  const files: HubFile[] = [];
  try {
    for await (const file of listFiles({ repo: { type: repo.type, name: repo.name }, revision: repo.revision, recursive: true, ...hub() })) {
      if (file.type !== 'file') continue;
      const hash = file.lfs?.oid ?? file.oid;
      if (!hash) throw new Error(`no hash of ${file.path}`);
      files.push({ path: file.path, size: file.size, hash });
    }
  } catch (error) {
    throw hubError(error, repo, 'its list of files');
  }
  writeFileAtomic(path, JSON.stringify(files));
  return files;
}

/**
 * Makes sure that the wanted files of a repository are in a folder, whole. What was fetched before an error or an
 * interruption stays. The last progress note tells how many files were not wanted.
 * @param wanted a file's place in the folder; of two files for one place the first listed is taken
 * @throws UserError in one line: no network, no such repository or revision, access denied, broken transfer, wrong content.
 */
export async function fetchHubFiles(
  repo: HubRepo, wanted: (path: string) => string | undefined, folder: string, progress: Progress,
): Promise<void> {
  const files = await listHubFiles(repo, folder), places = new Map<string, HubFile>();
  for (const file of files) {
    const place = wanted(file.path);
    if (place !== undefined && !places.has(place)) places.set(place, file);
  }
  const total = [...places.values()].reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  const report = (bytes: number, note: string) =>
    progress({ stage: `fetching ${repo.name} (MB)`, done: Math.floor((before + bytes) / MB), total: Math.ceil(total / MB), note });
  for (const [place, file] of places) {
    const path = join(folder, place);
    report(0, file.path);
    const here = async () => existsSync(path) && statSync(path).size === file.size && await hashFile(path, file) === file.hash;
    if (!(await here())) {
      await locked(path, `fetching ${file.path}`, progress, async () => {
        if (!(await here())) await fetchFile(repo, file, path, folder, (bytes) => report(bytes, file.path));
      });
    }
    before += file.size;
  }
  progress({ stage: `fetching ${repo.name} (MB)`, done: Math.ceil(total / MB), total: Math.ceil(total / MB),
    note: `${places.size} files are here, ${files.length - places.size} other files left out` });
}

/**
 * One file of a repository, such as a released checkpoint. Returns where it is.
 * @throws UserError in one line: no such file, and all that `pinRevision` and `fetchHubFiles` throw.
 */
export async function fetchHubFile(repo: HubRepo, path: string, cacheDir: string, progress: Progress): Promise<string> {
  const pinned = await pinRevision(repo, cacheDir), folder = hubFolder(pinned, cacheDir);
  const paths = (await listHubFiles(pinned, folder)).map((file) => file.path);
  if (!paths.includes(path)) {
    const like = paths.filter((other) => extname(other) === extname(path));
    throw new UserError(`${repo.name} at ${pinned.revision} has no ${path}: give one of ${(like.length ? like : paths).join(', ')}.`);
  }
  await fetchHubFiles(pinned, (other) => (other === path ? path : undefined), folder, progress);
  return join(folder, path);
}

function hub(): { hubUrl: string; fetch: typeof fetch; accessToken?: string } {
  const hubUrl = (process.env['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, '');
  if (!URL.canParse(hubUrl)) throw new UserError(`HF_ENDPOINT is not an address (${hubUrl}): unset it, or give the hub's as https://...`);
  const accessToken = process.env['HF_TOKEN'];
  return { hubUrl, fetch: fetchHere, ...(accessToken && { accessToken }) };
}

async function fetchFile(repo: HubRepo, file: HubFile, path: string, folder: string, report: (bytes: number) => void): Promise<void> {
  // Named for its content, so that a part of something else is never gone on with.
  const part = `${path}.${file.hash.slice(0, 16)}.part`;
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(part) && statSync(part).size > file.size) rmSync(part);
  const have = existsSync(part) ? statSync(part).size : 0;
  // An empty file is there once it is begun.
  if (have < file.size) await append(repo, file, part, have, folder, report);
  else if (!existsSync(part)) writeFileSync(part, '');
  const size = statSync(part).size;
  if (size < file.size) {
    throw new UserError(`The transfer of ${file.path} broke off after ${size} of ${file.size} bytes: run the same command again, it goes on where it was.`);
  }
  if (size > file.size || await hashFile(part, file) !== file.hash) {
    rmSync(part);
    const what = size > file.size ? 'size' : isSha256(file) ? 'SHA-256' : 'SHA-1';
    throw new UserError(`${file.path} of ${repo.name} is not what the hub lists (${what}): it was not kept, run the same command again.`);
  }
  renameSync(part, path);
}

/** Adds to a partial file what the hub has of it from byte `have` on. A transfer that breaks off leaves what had come. */
async function append(
  repo: HubRepo, { path, size }: HubFile, part: string, have: number, folder: string, report: (bytes: number) => void,
): Promise<void> {
  const file = openSync(part, 'a');
  let at = have, reported = have;
  try {
    // Without the hub's chunked protocol: plain HTTP ranges, which mirrors serve too.
    const blob = await downloadFile({ repo: { type: repo.type, name: repo.name }, path, revision: repo.revision, xet: false, ...hub() });
    if (!blob) throw new UserError(`${repo.name} at ${repo.revision} has no ${path} any more: delete ${folder} to list its files again.`);
    for await (const bytes of blob.slice(have, size).stream()) {
      for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
      at += bytes.length;
      if (at > size) return;
      if (at - reported >= REPORT_BYTES) report(reported = at);
    }
  } catch (error) {
    // Something came and then no more: the caller says how much. A stop is none of that.
    if (at > have && !isSystemError(error) && !(error instanceof UserError)) return;
    throw hubError(error, repo, path);
  } finally {
    fsyncSync(file);
    closeSync(file);
  }
}

const isSystemError = (error: unknown) => typeof (error as NodeJS.ErrnoException | undefined)?.syscall === 'string';

function hubError(error: unknown, { type, name, revision }: HubRepo, what: string): unknown {
  if (error instanceof UserError || isSystemError(error)) return error;
  const at = hub().hubUrl;
  if (error instanceof HubApiError) {
    const { statusCode } = error;
    // The hub gives 401 for repositories that do not exist, too: it does not tell strangers which are private.
    if (statusCode === 401 || statusCode === 403) {
      return new UserError(`${at} gives no access to ${name}: check the name, and if it is not public set HF_TOKEN to a token that may read it.`);
    }
    if (statusCode === 404) return new UserError(`${at} has no ${type} ${name} with a revision ${revision}: check both on its page.`);
    return new UserError(`${at} did not give ${what} of ${name} (HTTP ${statusCode}): try again later, it goes on where it was.`);
  }
  // A stream hands on the message of an error alone.
  const { message, cause } = (typeof error === 'string' ? { message: error } : error) as { message: string; cause?: { code?: unknown; message?: string } };
  if (/fetch failed|terminated|network|ECONN|socket/i.test(message)) {
    return new UserError(`No connection to ${at} (${(typeof cause?.code === 'string' && cause.code) || cause?.message || message}): check the network, then run the same command again, it goes on where it was.`);
  }
  return new UserError(`${at} gave no usable answer for ${what} of ${name} (${message.split('\n')[0]}): check HF_ENDPOINT, or try again later.`);
}

const isSha256 = ({ hash }: HubFile) => hash.length === 64;

async function hashFile(path: string, file: HubFile): Promise<string> {
  // git hashes a file behind its kind and size.
  const hash = isSha256(file) ? createHash('sha256') : createHash('sha1').update(`blob ${file.size}\0`);
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(bytes as Buffer);
  return hash.digest('hex');
}
