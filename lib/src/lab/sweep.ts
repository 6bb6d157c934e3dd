/**
 * A list of runs, as an ablation needs them: one after another in this process, several at once, each in a process of
 * its own that ends with its run, or with this one, or as jobs of a cluster (slurm/). Every run is stored by itself and goes on
 * where it was, so whatever is killed, the same sweep finishes what is missing.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { explain, UserError } from '../store/errors.js';
import type { Progress, ProgressUpdate } from '../store/progress.js';
import { Stopped } from '../store/stop.js';
import { groupBy } from '../train/draws.js';
import type { Run } from './run.js';
import type { SlurmOptions } from './slurm/slurm.js';
import { sweepOnSlurm } from './slurm/sweep.js';
import type { SweepJob, SweepLab, SweepRun, SweptRun } from './sweep-run.js';

export interface SweepOptions {
  /** Processes at once. 1 when absent: TensorFlow uses all cores for one run; more share them out. */
  workers?: number | undefined;
  /** Sends the runs to a cluster, as one job array, and follows them; what is stopped here is cancelled there. */
  on?: 'slurm';
  /** What each of its jobs asks for. */
  slurm?: SlurmOptions;
}

/** What it says: how far it is, or why it failed. Its result is on disk. */
export type SweepMessage = ProgressUpdate | { failed: string };

/**
 * The runs in the order given; stored ones are only read.
 * @throws UserError when some failed, once all others are done: the name of each, and why
 */
export async function sweep(runs: readonly SweepRun[], lab: SweepLab, { workers = 1, on, slurm = {} }: SweepOptions = {}): Promise<SweptRun[]> {
  const done = new Map<SweepRun, Run>(), failed = new Map<SweepRun, string>();
  const attempt = async (run: SweepRun, make: (progress: Progress) => Promise<Run | undefined>) => {
    try {
      const made = await make((update) => lab.progress({ ...update, stage: `${run.name}: ${update.stage}` }));
      if (made) done.set(run, made);
    } catch (error) {
      // Stopped: so are those that wait.
      if (error instanceof Stopped) throw error;
      failed.set(run, explain(error));
    }
    lab.progress({ stage: 'runs', done: done.size + failed.size, total: runs.length });
  };
  const missing = (): SweepRun[] => runs.filter((run) => !done.has(run) && !failed.has(run));

  for (const run of runs) await attempt(run, () => lab.stored(run));
  // What is trained in common is trained by one.
  const groups = () => [...groupBy(missing(), (run) => lab.ids(run).training ?? lab.ids(run).id).values()];
  if (on === 'slurm') {
    if (missing().length) {
      await sweepOnSlurm(groups(), lab, slurm, (run, why) => attempt(run, async () => {
        const made = await lab.stored(run);
        if (!made) throw new UserError(await why());
        return made;
      }));
    }
  } else if (workers <= 1) {
    for (const run of missing()) await attempt(run, (progress) => lab.perform(run, progress));
  } else {
    // What runs have in common is made here once, not by every process at the same time.
    for (const run of missing()) await attempt(run, async () => { await lab.prepare(run); return undefined; });
    const queue = groups();
    const threads = Math.max(1, Math.floor((Number(process.env['OMP_NUM_THREADS']) || availableParallelism()) / workers));
    const work = async () => {
      for (let group = queue.shift(); group; group = queue.shift()) {
        for (const run of group) {
          await attempt(run, async (progress) => {
            await inProcess({ profile: lab.profile, recompute: lab.recompute, run }, threads, progress);
            return lab.stored(run);
          });
        }
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
  }
  if (failed.size) {
    const reasons = [...failed].map(([{ name }, reason]) => `${name}: ${reason}`).join('\n');
    throw new UserError(`${failed.size} of ${runs.length} runs failed; the others are stored, and the same sweep makes only what is missing.\n${reasons}`);
  }
  return runs.map((run) => ({ ...done.get(run)!, name: run.name }));
}

/** One run in a process of its own. Its bits are those of a run in this one under as many threads: what TensorFlow adds up by threads may differ in the last bit. */
function inProcess(job: SweepJob, threads: number, progress: Progress): Promise<void> {
  const child = fork(fileURLToPath(new URL('./sweep-worker.js', import.meta.url)), {
    execArgv: [], serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, OMP_NUM_THREADS: String(threads), TF_NUM_INTRAOP_THREADS: String(threads) },
  });
  let reason: string | undefined, errors = '', stopped: unknown;
  child.stderr!.setEncoding('utf8').on('data', (text: string) => { errors = (errors + text).slice(-2000); });
  child.on('message', (message: SweepMessage) => {
    if ('failed' in message) reason = message.failed;
    else {
      try {
        progress(message);
      } catch (error) {
        stopped ??= error;
        child.kill();
      }
    }
  });
  child.send(job);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (stopped !== undefined) return reject(stopped);
      if (code === 0) return resolve();
      reject(new UserError(reason ?? (signal
        ? `its process was ended by ${signal}, often for want of memory. Sweep again: it goes on from its last checkpoint`
        : `its process ended with code ${code}: ${errors.trim().split('\n').at(-1) ?? ''}`)));
    });
  });
}
