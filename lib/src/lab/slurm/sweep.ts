/**
 * Runs of a sweep as one job array of Slurm: sent, followed and cancelled from here, where `sbatch` is. Their results are in
 * the run store, on a folder that all machines see. A first job makes what they have in common; the array waits for it.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '../../store/atomic.js';
import { hashJson } from '../../store/hash.js';
import { locked } from '../../store/lock.js';
import { groupBy } from '../../train/draws.js';
import { cache, root } from '../paths.js';
import type { SweepLab, SweepRun } from '../sweep-run.js';
import { clearAway, isOld, logEnd, logOf, PREPARE, readFailures, readProgress, sentArrays, writeJobs, writeSent } from './jobs.js';
import { cancel, ending, queue, type SlurmOptions, submit } from './slurm.js';

const LOOK_MS = 2000;
/** How long the controller may be silent, as when it is started anew, before the sweep gives up on following. */
const PATIENCE_MS = 5 * 60_000;

/** One job of an array: runs one after another. */
interface Job {
  folder: string;
  index: number;
  /** Slurm's ids: its own, and that of the job that it waits for. */
  id: string;
  prepare: string;
  /** An earlier sweep sent it, which may follow it too, and other jobs that wait for the same. */
  followed: boolean;
  runs: SweepRun[];
}

/**
 * @param groups runs that one job does, since they share a training
 * @param ended is told each run whose job has ended, and can ask why it has no result where it has none
 */
export async function sweepOnSlurm(
  groups: readonly SweepRun[][], lab: SweepLab, options: SlurmOptions, ended: (run: SweepRun, why: () => Promise<string>) => Promise<void>,
): Promise<void> {
  // One sender at a time, so that two do not send the same run.
  const place = cache(lab.profile, 'slurm'), jobs = await locked(place, 'sending jobs to Slurm', lab.progress, () => send(groups, lab, options, place));
  try {
    await follow(jobs, lab, ended);
  } catch (error) {
    // Stopped, or Slurm cannot be asked any more.
    await cancel([...new Set(jobs.flatMap(({ id, prepare, followed }) => (followed ? [id] : [id, prepare])))]).catch(() => {});
    throw error;
  }
}

/** Those of an earlier sweep that still wait or run are followed; the rest is sent. */
async function send(groups: readonly SweepRun[][], lab: SweepLab, options: SlurmOptions, place: string): Promise<Job[]> {
  const waiting = await queue(), jobs: Job[] = [];
  const byId = groupBy(groups.flat(), (run) => lab.ids(run).id);
  for (const { folder, sent: { prepare, array, runs } } of sentArrays(place)) {
    const alive = runs.map((ids, index) => ({ ids, index, id: `${array}_${index}` })).filter(({ id }) => waiting.has(id));
    if (!alive.length && isOld(folder)) clearAway(folder);
    for (const { ids, index, id } of alive) {
      const own = [...new Set(ids)].flatMap((run) => byId.get(run) ?? []);
      if (own.length) jobs.push({ folder, index, id, prepare, followed: true, runs: own });
      for (const run of ids) byId.delete(run);
    }
  }
  const left = groups.map((runs) => runs.filter((run) => byId.has(lab.ids(run).id))).filter((runs) => runs.length);
  if (!left.length) return jobs;
  const ids = left.map((runs) => runs.map((run) => lab.ids(run).id));
  const folder = join(place, hashJson([ids, Date.now()]).slice(0, 12));
  mkdirSync(folder, { recursive: true });
  writeJobs(folder, left.map((runs) => runs.map((run) => ({ profile: lab.profile, recompute: lab.recompute, run }))));
  const script = join(folder, 'job.sh');
  writeFileAtomic(script, scriptOf(folder));
  const { partition, time, memory, gpus, cpus, concurrency } = options;
  const asked = [
    '--job-name=code2lora', `--chdir=${root}`, '--open-mode=append',
    ...Object.entries({ partition, time, mem: memory, gpus, 'cpus-per-task': cpus }).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])),
  ];
  const prepare = await submit(script, [...asked, `--output=${logOf(folder, PREPARE)}`]);
  try {
    const array = await submit(script, [
      ...asked, `--array=0-${left.length - 1}${concurrency ? `%${concurrency}` : ''}`, `--output=${join(folder, '%a.log')}`,
      `--dependency=afterok:${prepare}`, '--kill-on-invalid-dep=yes',
    ]);
    writeSent(folder, { prepare, array, runs: ids });
    return [...jobs, ...left.map((runs, index) => ({ folder, index, id: `${array}_${index}`, prepare, followed: false, runs }))];
  } catch (error) {
    await cancel([prepare]).catch(() => {});
    throw error;
  }
}

/** As many threads as cores were given. */
function scriptOf(folder: string): string {
  const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  return `#!/bin/bash
export OMP_NUM_THREADS="\${SLURM_CPUS_PER_TASK:-1}" TF_NUM_INTRAOP_THREADS="\${SLURM_CPUS_PER_TASK:-1}"
exec ${[process.execPath, fileURLToPath(new URL('./task.js', import.meta.url)), folder].map(quoted).join(' ')} "\${SLURM_ARRAY_TASK_ID:-${PREPARE}}"
`;
}

async function follow(jobs: readonly Job[], lab: SweepLab, ended: (run: SweepRun, why: () => Promise<string>) => Promise<void>): Promise<void> {
  const open = new Set(jobs), shown = new Map<string, string>();
  let answered = Date.now();
  while (open.size) {
    let waiting: Awaited<ReturnType<typeof queue>>;
    try {
      waiting = await queue();
      answered = Date.now();
    } catch (error) {
      if (Date.now() - answered > PATIENCE_MS) throw error;
      lab.progress({ stage: 'Slurm does not answer', done: 0, total: 1 });
      await sleep(LOOK_MS);
      continue;
    }
    const preparing = new Map([...open].filter(({ prepare }) => waiting.has(prepare)).map(({ prepare, folder }) => [prepare, folder]));
    for (const folder of preparing.values()) show(`${folder} ${PREPARE}`, 'what the runs share', readProgress(folder, PREPARE));
    for (const job of open) {
      if (waiting.has(job.id)) {
        show(`${job.folder} ${job.index}`, job.runs[0]!.name, readProgress(job.folder, job.index));
      } else if (!waiting.has(job.prepare)) {
        open.delete(job);
        for (const run of job.runs) await ended(run, () => whyNot(job, run));
      }
    }
    const states = [...open].map(({ id }) => waiting.get(id)).filter((state) => state !== undefined);
    const running = states.filter(({ state }) => state === 'RUNNING').length, reasons = [...new Set(states.filter(({ state }) => state === 'PENDING').map(({ reason }) => reason))];
    lab.progress({ stage: 'jobs of Slurm', done: jobs.length - open.size, total: jobs.length, note: `${running} running, ${open.size - running} waiting${reasons.length ? ` (${reasons.join(', ')})` : ''}` });
    if (open.size) await sleep(LOOK_MS);
  }

  function show(key: string, name: string, update: ReturnType<typeof readProgress>): void {
    const text = JSON.stringify(update);
    if (!update || shown.get(key) === text) return;
    shown.set(key, text);
    lab.progress({ ...update, stage: `${name}: ${update.stage}` });
  }
}

/** Why a run has no result, though its job is not in the queue any more. */
async function whyNot({ folder, index, id, prepare }: Job, run: SweepRun): Promise<string> {
  const again = 'Sweep again: only what is missing is sent, and goes on from its last checkpoint', log = (job: number | typeof PREPARE) => {
    const end = logEnd(folder, job);
    return end ? ` Its log ends: ${end}` : '';
  };
  const own = readFailures(folder, index)[run.name];
  if (own) return own;
  const first = await ending(prepare);
  if (first !== undefined && !first.startsWith('COMPLETED')) {
    const why = Object.values(readFailures(folder, PREPARE))[0];
    return why ? `the job that makes what the runs share failed: ${why}` : `the job that makes what the runs share ended as ${first}. ${again}.${log(PREPARE)}`;
  }
  return `its job ${id} ended as ${(await ending(id)) ?? 'Slurm does not know any more'}. ${again}.${log(index)}`;
}
