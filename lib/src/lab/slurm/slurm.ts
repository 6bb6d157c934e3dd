/** Slurm's own commands: send jobs, see where they are and how they ended, cancel them. It needs no accounting. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { reasonOf, UserError } from '../../store/errors.js';

/** What each job of an array asks for, by sbatch's names; the cluster's defaults where absent. */
export interface SlurmOptions {
  partition?: string | undefined;
  /** As sbatch has it: `4:00:00`. */
  time?: string | undefined;
  /** As sbatch has it: `16G`. */
  memory?: string | undefined;
  gpus?: number | undefined;
  /** Cores of a job, which are its threads. 1 when absent. */
  cpus?: number | undefined;
  /** Jobs of the array at once; as many as the cluster gives when absent. */
  concurrency?: number | undefined;
}

const run = promisify(execFile);

/** What a command prints. @throws UserError with Slurm's own words */
async function ask(command: string, args: readonly string[]): Promise<string> {
  try {
    return (await run(command, [...args], { timeout: 60_000, maxBuffer: 2 ** 26 })).stdout;
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === 'ENOENT') throw new UserError(`Slurm is not on this machine (no ${command}): run the sweep where jobs are sent from, or leave out "on".`);
    throw new UserError(`${command} failed: ${reasonOf((stderr ?? '').trim()) || reasonOf(error)}.`);
  }
}

/** Sends a script as a job. @returns its id */
export async function submit(script: string, args: readonly string[]): Promise<string> {
  const id = /^(\d+)/.exec(await ask('sbatch', ['--parsable', ...args, script]))?.[1];
  if (!id) throw new UserError('sbatch gave no job id: see what "sbatch --parsable" prints on this cluster.');
  return id;
}

/** Of this user's jobs that wait or run, by id (`12`, or `12_3` in an array): their state, and why they wait. */
export async function queue(): Promise<Map<string, { state: string; reason: string }>> {
  const lines = (await ask('squeue', ['--noheader', '--array', '--me', '--format=%i|%T|%r'])).split('\n').filter(Boolean);
  return new Map(lines.map((line) => {
    const [id, state, reason] = line.trim().split('|') as [string, string, string];
    return [id, { state, reason }];
  }));
}

/** How a job ended: `COMPLETED`, `FAILED (exit code 1)`, `TIMEOUT`; undefined where Slurm does not know any more. */
export async function ending(id: string): Promise<string | undefined> {
  const shown = await ask('scontrol', ['show', 'job', '--oneliner', id]).catch(() => '');
  let [state, exit] = [/\bJobState=(\S+)/.exec(shown)?.[1], /\bExitCode=(\S+)/.exec(shown)?.[1]];
  if (!state) [state, exit] = (await ask('sacct', ['--noheader', '--parsable2', '--allocations', `--jobs=${id}`, '--format=State,ExitCode']).catch(() => '')).trim().split('\n')[0]!.split('|');
  if (!state) return undefined;
  const [code, signal] = (exit ?? '').split(':');
  return state.startsWith('COMPLETED') || !exit ? state : `${state} (${signal && signal !== '0' ? `signal ${signal}` : `exit code ${code}`})`;
}

export async function cancel(ids: readonly string[]): Promise<void> {
  if (ids.length) await ask('scancel', ids);
}
