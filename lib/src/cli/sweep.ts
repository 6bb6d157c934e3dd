/** `sweep`: the runs of a profile that are missing, without tables; here, or as jobs of a cluster. */
import { parseArgs } from 'node:util';
import { ALL, headlineOf, plansOf } from '../lab/plan.js';
import type { SweepRun } from '../lab/sweep-run.js';
import { UserError } from '../store/errors.js';
import { stopOnInterrupt } from '../store/stop.js';
import { atLeastOne, chosenWorkspace, WORKSPACE } from './options.js';
import { terminalProgress } from './terminal-progress.js';

export const USAGE = `Usage: npx code2lora sweep [options]

  --profile P        smoke, synthetic, mini, pypi, coder or paper; mini when absent
  --base MODEL       another frozen model than the profile's
  --mirror DIR       bare clones, for profiles of git repositories
  --all              all methods and seeds, in place of the headline's
  --workers N        processes at once on this machine
  --on slurm         send what is missing to Slurm, as one job array, and follow it; an interrupt cancels it
  --partition P      of each job, as sbatch has them: also --time T, --memory M, --gpus N, --cpus N
  --concurrency N    jobs of the array at once

What is made is stored run by run; npx code2lora export --profile P makes tables and figures of it.`;

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: {
    ...WORKSPACE, all: { type: 'boolean', default: false }, workers: { type: 'string' }, on: { type: 'string' },
    partition: { type: 'string' }, time: { type: 'string' }, memory: { type: 'string' }, gpus: { type: 'string' }, cpus: { type: 'string' }, concurrency: { type: 'string' },
  } });
  if (values.on !== undefined && values.on !== 'slurm') throw new UserError(`--on is slurm, not ${JSON.stringify(values.on)}.`);
  const slurm = (['partition', 'time', 'memory', 'gpus', 'cpus', 'concurrency'] as const).find((name) => values[name] !== undefined);
  if (slurm && values.on === undefined) throw new UserError(`--${slurm} is for jobs of a cluster: give --on slurm too, or leave it out.`);
  if (values.workers !== undefined && values.on) throw new UserError('--workers is for this machine: leave it out, or --on slurm. A job is one run; --concurrency says how many at once.');
  const [workers, gpus, cpus, concurrency] = (['workers', 'gpus', 'cpus', 'concurrency'] as const).map((name) => {
    const value = values[name];
    return value === undefined ? undefined : atLeastOne(name, value);
  });
  const lab = chosenWorkspace(values, { progress: terminalProgress() });
  const runs: SweepRun[] = (values.all ? plansOf(lab.profile, ALL) : headlineOf(lab.profile)).flatMap(({ track, methods, seeds }) =>
    methods.flatMap((method) => seeds.map((seed) => ({ name: `${method} ${track} ${seed}`, method, track, seed }))));
  const { partition, time, memory } = values;
  if (values.on) stopOnInterrupt();
  const done = await lab.sweep(runs, { workers, ...(values.on && { on: 'slurm', slurm: { partition, time, memory, gpus, cpus, concurrency } }) });
  console.log(`${done.length} runs are stored: npx code2lora export --profile ${lab.profile.name}`);
}
