/** `sweep`: the runs of a profile that are missing, without tables; here, or as jobs of a cluster. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ALL, headlineOf, plansOf } from '../lab/plan.js';
import { MIRROR } from '../lab/source.js';
import type { SweepRun } from '../lab/sweep-run.js';
import { openWorkspace } from '../lab/workspace.js';
import { UserError } from '../store/errors.js';
import { stopOnInterrupt } from '../store/stop.js';
import { terminalProgress } from './terminal-progress.js';

const HELP = `Usage: npx code2lora sweep [options]

  --profile P        smoke, synthetic, mini, pypi, coder or paper; mini when absent
  --base MODEL       another frozen model than the profile's
  --mirror DIR       bare clones, for profiles of git repositories
  --all              all methods and seeds, in place of the headline's
  --workers N        processes at once on this machine
  --on slurm         send what is missing to Slurm, as one job array, and follow it; an interrupt cancels it
  --partition P      of each job, as sbatch has them: also --time T, --memory M, --gpus N, --cpus N
  --concurrency N    jobs of the array at once

What is made is stored run by run; npx code2lora export --profile P makes tables and figures of it.`;

/** @throws UserError when it is none */
function count(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(value)) throw new UserError(`--${name} is a whole number from 1 on, not ${JSON.stringify(value)}.`);
  return Number(value);
}

export async function run(args: string[]): Promise<void> {
  const { values: { partition, time, memory, ...values } } = parseArgs({ args, options: {
    help: { type: 'boolean', default: false }, profile: { type: 'string', default: 'mini' }, base: { type: 'string' }, mirror: { type: 'string' },
    all: { type: 'boolean', default: false }, workers: { type: 'string' }, on: { type: 'string' },
    partition: { type: 'string' }, time: { type: 'string' }, memory: { type: 'string' }, gpus: { type: 'string' }, cpus: { type: 'string' }, concurrency: { type: 'string' },
  } });
  if (values.help) return console.log(HELP);
  if (values.on !== undefined && values.on !== 'slurm') throw new UserError(`--on is slurm, not ${JSON.stringify(values.on)}.`);
  if (values.mirror !== undefined) process.env[MIRROR] = resolve(values.mirror);
  const [workers, gpus, cpus, concurrency] = (['workers', 'gpus', 'cpus', 'concurrency'] as const).map((name) => count(name, values[name]));
  const lab = openWorkspace({ profile: values.base === undefined ? values.profile : `${values.profile}@${values.base}`, progress: terminalProgress() });
  const runs: SweepRun[] = plansOf(lab.profile, values.all ? ALL : headlineOf(lab.profile)).flatMap(({ track, methods, seeds }) =>
    methods.flatMap((method) => seeds.map((seed) => ({ name: `${method} ${track} ${seed}`, method, track, seed }))));
  if (values.on) stopOnInterrupt();
  const done = await lab.sweep(runs, { workers, ...(values.on && { on: 'slurm', slurm: { partition, time, memory, gpus, cpus, concurrency } }) });
  console.log(`${done.length} runs are stored: npx code2lora export --profile ${lab.profile.name}`);
}
