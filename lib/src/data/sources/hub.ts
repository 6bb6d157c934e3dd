/**
 * RepoPeftBench as its authors publish it, from the Hugging Face hub. The tables of `qna` and `commits` are downloaded
 * under the names of our suites; a transfer that breaks off is gone on with, and every file must have the size and
 * SHA-256 that the hub lists. Once all files are here no network is needed.
 *
 * HF_ENDPOINT names another hub or a mirror and HF_TOKEN an access token, as for Hugging Face's own tools.
 */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { downloadFile, HubApiError, listFiles } from '@huggingface/hub';
import { writeFileAtomic } from '../../store/atomic.js';
import { UserError } from '../../store/errors.js';
import type { Progress } from '../../store/progress.js';
import { type Suite, SUITES, type TableKind, tablePath } from '../dataset/suites.js';

/** A dataset on the hub: `code2lora/code2lora-data-snapshots` at a commit id (or a tag, whose files are then not looked up again). */
export interface HubDataset {
  name: string;
  revision: string;
}

/** One published table, as the hub lists it. */
interface RemoteTable {
  remote: string;
  kind: TableKind;
  suite: Suite;
  size: number;
  /** Absent for a file outside large-file storage. */
  sha256?: string;
}
interface Listing {
  tables: RemoteTable[];
  /** Files that are no table of a suite. */
  otherFiles: number;
}

/** Progress counts megabytes, and is reported this often. */
const MB = 1e6, REPORT_BYTES = 4e6;

/** Where a dataset's files are once fetched: a dataset's folder, with `qna/<suite>.parquet` and `commits/<suite>.parquet`. */
export function hubFolder({ name, revision }: HubDataset, cacheDir: string): string {
  return join(cacheDir, 'hub', name.replace('/', '--'), revision);
}

/**
 * Makes sure that all tables of a published dataset are in `hubFolder`, and returns that folder. What was fetched before
 * an error or an interruption stays. The last progress note tells how many files of the dataset were not tables.
 * @throws UserError in one line: no network, no such dataset or revision, access denied, broken transfer, wrong content.
 */
export async function fetchHubDataset(dataset: HubDataset, cacheDir: string, progress: Progress): Promise<string> {
  const plain = /^[A-Za-z0-9][\w.-]*$/;
  const parts = dataset.name.split('/');
  if (parts.length !== 2 || ![...parts, dataset.revision].every((part) => plain.test(part))) {
    throw new UserError(`${JSON.stringify(`${dataset.name}@${dataset.revision}`)} is not a dataset of the hub: give owner/name and a commit id or tag.`);
  }
  const folder = hubFolder(dataset, cacheDir);
  const { tables, otherFiles } = await listing(dataset, folder);
  const total = tables.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  const report = (bytes: number, note: string) =>
    progress({ stage: `fetching ${dataset.name} (MB)`, done: Math.floor((before + bytes) / MB), total: Math.ceil(total / MB), note });
  for (const table of tables) {
    const path = tablePath(folder, table.kind, table.suite);
    report(0, table.remote);
    if (!(existsSync(path) && statSync(path).size === table.size && (!table.sha256 || await hashFile(path) === table.sha256))) {
      await fetchTable(dataset, table, path, (bytes) => report(bytes, table.remote));
    }
    before += table.size;
  }
  progress({ stage: `fetching ${dataset.name} (MB)`, done: Math.ceil(total / MB), total: Math.ceil(total / MB),
    note: `${tables.length} tables are here, ${otherFiles} other files left out` });
  return folder;
}

function hub(): { hubUrl: string; accessToken?: string } {
  const hubUrl = (process.env['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, '');
  if (!URL.canParse(hubUrl)) throw new UserError(`HF_ENDPOINT is not an address (${hubUrl}): unset it, or give the hub's as https://...`);
  const accessToken = process.env['HF_TOKEN'];
  return { hubUrl, ...(accessToken && { accessToken }) };
}

/** The dataset's tables; asked for once, as a revision does not change. */
async function listing(dataset: HubDataset, folder: string): Promise<Listing> {
  const path = join(folder, 'files.json');
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as Listing;
  const tables: RemoteTable[] = [];
  let otherFiles = 0;
  try {
    for await (const file of listFiles({ repo: { type: 'dataset', name: dataset.name }, revision: dataset.revision, recursive: true, ...hub() })) {
      if (file.type !== 'file') continue;
      const place = tableOf(file.path);
      if (!place || tables.some(({ kind, suite }) => kind === place.kind && suite === place.suite)) otherFiles++;
      else tables.push({ remote: file.path, ...place, size: file.size, ...(file.lfs && { sha256: file.lfs.oid }) });
    }
  } catch (error) {
    throw hubError(error, dataset, 'its list of files');
  }
  if (!tables.length) {
    throw new UserError(`${dataset.name} at ${dataset.revision} has no qna/<suite>.parquet or commits/<suite>.parquet: it is not RepoPeftBench, check the name.`);
  }
  const list = { tables, otherFiles };
  writeFileAtomic(path, JSON.stringify(list));
  return list;
}

/** A published file's place. One of the datasets calls the training repositories' table cr_train. */
function tableOf(path: string): { kind: TableKind; suite: Suite } | undefined {
  const [, kind, name] = /^(?:data\/)?(qna|commits)\/(\w+)\.parquet$/.exec(path) ?? [];
  const suite = name === 'cr_train' ? 'train' : SUITES.find((known) => known === name);
  return kind && suite ? { kind: kind as TableKind, suite } : undefined;
}

async function fetchTable(dataset: HubDataset, table: RemoteTable, path: string, report: (bytes: number) => void): Promise<void> {
  // Named for its content, so that a part of something else is never gone on with.
  const part = `${path}.${(table.sha256 ?? `${table.size}`).slice(0, 16)}.part`;
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(part) && statSync(part).size > table.size) rmSync(part);
  const have = existsSync(part) ? statSync(part).size : 0;
  if (have < table.size) await append(dataset, table, part, have, report);
  const size = statSync(part).size;
  if (size < table.size) {
    throw new UserError(`The transfer of ${table.remote} broke off after ${size} of ${table.size} bytes: run the same command again, it goes on where it was.`);
  }
  if (size > table.size || (table.sha256 && await hashFile(part) !== table.sha256)) {
    rmSync(part);
    throw new UserError(`${table.remote} of ${dataset.name} is not what the hub lists (${size > table.size ? 'size' : 'SHA-256'}): it was not kept, run the same command again.`);
  }
  renameSync(part, path);
}

/** Adds to a partial file what the hub has of it from byte `have` on. A transfer that breaks off leaves what had come. */
async function append(dataset: HubDataset, table: RemoteTable, part: string, have: number, report: (bytes: number) => void): Promise<void> {
  const file = openSync(part, 'a');
  let at = have, reported = have;
  try {
    // Without the hub's chunked protocol: plain HTTP ranges, which mirrors serve too.
    const blob = await downloadFile({ repo: { type: 'dataset', name: dataset.name }, path: table.remote, revision: dataset.revision, xet: false, ...hub() });
    if (!blob) throw new UserError(`${dataset.name} at ${dataset.revision} has no ${table.remote} any more: delete ${dirname(dirname(part))} to list its files again.`);
    for await (const bytes of blob.slice(have, table.size).stream()) {
      for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
      at += bytes.length;
      if (at > table.size) return;
      if (at - reported >= REPORT_BYTES) report(reported = at);
    }
  } catch (error) {
    // Something came and then no more: the caller says how much.
    if (at > have && !isSystemError(error)) return;
    throw hubError(error, dataset, table.remote);
  } finally {
    fsyncSync(file);
    closeSync(file);
  }
}

const isSystemError = (error: unknown) => typeof (error as NodeJS.ErrnoException | undefined)?.syscall === 'string';

function hubError(error: unknown, { name, revision }: HubDataset, what: string): unknown {
  if (error instanceof UserError || isSystemError(error)) return error;
  const at = hub().hubUrl;
  if (error instanceof HubApiError) {
    const { statusCode } = error;
    // The hub gives 401 for datasets that do not exist, too: it does not tell strangers which are private.
    if (statusCode === 401 || statusCode === 403) {
      return new UserError(`${at} gives no access to ${name}: check the name, and if it is not public set HF_TOKEN to a token that may read it.`);
    }
    if (statusCode === 404) return new UserError(`${at} has no dataset ${name} with a revision ${revision}: check both on its page.`);
    return new UserError(`${at} did not give ${what} of ${name} (HTTP ${statusCode}): try again later, it goes on where it was.`);
  }
  // A stream hands on the message of an error alone.
  const { message, cause } = (typeof error === 'string' ? { message: error } : error) as { message: string; cause?: { code?: string; message?: string } };
  if (/fetch failed|terminated|network|ECONN|socket/i.test(message)) {
    return new UserError(`No connection to ${at} (${cause?.code ?? cause?.message ?? message}): check the network, then run the same command again, it goes on where it was.`);
  }
  return new UserError(`${at} gave no usable answer for ${what} of ${name} (${message.split('\n')[0]}): check HF_ENDPOINT, or try again later.`);
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(bytes as Buffer);
  return hash.digest('hex');
}
