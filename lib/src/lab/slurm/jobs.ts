/** The folder of an array: what its jobs do, how far they are, and why they failed. It lies where all machines of a cluster see it. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../store/atomic.js';
import { isFields } from '../../store/fields.js';
import type { ProgressUpdate } from '../../store/progress.js';
import { storedJson } from '../../store/stored-json.js';
import type { SweepJob } from '../sweep-run.js';

/** The array as it was sent. A job of it does its runs one after another: they share a training. */
export interface Sent {
  /** Slurm's ids: of the job that makes what all have in common, and of the array. */
  prepare: string;
  array: string;
  /** Ids of the runs of each job. */
  runs: string[][];
}

const JOBS = 'jobs.json', SENT = 'sent.json';
const OLD_MS = 60 * 60_000;
/** What a job is called in its files: its place in the array. */
export const PREPARE = 'prepare';
export const logOf = (folder: string, job: number | typeof PREPARE): string => join(folder, `${job}.log`);

export const writeJobs = (folder: string, jobs: readonly SweepJob[][]): void => writeFileAtomic(join(folder, JOBS), JSON.stringify(jobs));
export const readJobs = (folder: string): SweepJob[][] => JSON.parse(readFileSync(join(folder, JOBS), 'utf8')) as SweepJob[][];
export const writeSent = (folder: string, sent: Sent): void => writeFileAtomic(join(folder, SENT), JSON.stringify(sent));

/** The arrays that were sent from a profile's folder and not cleared away. */
export function sentArrays(place: string): { folder: string; sent: Sent }[] {
  return (existsSync(place) ? readdirSync(place) : []).map((name) => join(place, name)).flatMap((folder) => {
    const sent = storedJson(join(folder, SENT));
    return isSent(sent) ? [{ folder, sent }] : [];
  });
}

function isSent(x: unknown): x is Sent {
  if (!isFields(x)) return false;
  const { prepare, array, runs } = x;
  return typeof prepare === 'string' && typeof array === 'string' && Array.isArray(runs) && runs.every((ids) => Array.isArray(ids) && ids.every((id) => typeof id === 'string'));
}

/** Whether whoever follows the array has had the time to read why its runs failed, after the last of them ended. */
export const isOld = (folder: string): boolean => Date.now() - Math.max(...readdirSync(folder).map((name) => statSync(join(folder, name)).mtimeMs)) > OLD_MS;
export const clearAway = (folder: string): void => rmSync(folder, { recursive: true, force: true });

export const writeProgress = (folder: string, job: number | typeof PREPARE, update: ProgressUpdate): void => writeFileAtomic(join(folder, `${job}.progress.json`), JSON.stringify(update));
export const readProgress = (folder: string, job: number | typeof PREPARE): ProgressUpdate | undefined => storedJson(join(folder, `${job}.progress.json`)) as ProgressUpdate | undefined;

/** Why runs of a job failed, by the run's name. */
export const writeFailures = (folder: string, job: number | typeof PREPARE, failures: Record<string, string>): void => writeFileAtomic(join(folder, `${job}.failed.json`), JSON.stringify(failures));
export const readFailures = (folder: string, job: number | typeof PREPARE): Record<string, string> => (storedJson(join(folder, `${job}.failed.json`)) ?? {}) as Record<string, string>;

/** The last lines that a job wrote, in one. */
export function logEnd(folder: string, job: number | typeof PREPARE, lines = 3): string {
  const path = logOf(folder, job);
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').slice(-lines).map((line) => line.trim()).join(' / ').slice(-600) : '';
}
