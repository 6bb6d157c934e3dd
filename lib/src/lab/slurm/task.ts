/** The process of one job on a cluster: `task.js FOLDER JOB`, where JOB is its place in the array, or `prepare`. */
import { explain } from '../../store/errors.js';
import type { Progress } from '../../store/progress.js';
import { openWorkspace, type Workspace } from '../workspace.js';
import { PREPARE, readJobs, writeFailures, writeProgress } from './jobs.js';

/** How often it says how far it is: a file on a shared folder. */
const EVERY_MS = 2000;

const [folder, name] = process.argv.slice(2) as [string, string];
const job = name === PREPARE ? PREPARE : Number(name);
let last = 0;
const progress: Progress = (update) => {
  if (Date.now() - last < EVERY_MS && update.done < update.total) return;
  last = Date.now();
  writeProgress(folder, job, update);
};

const failures: Record<string, string> = {};
/** One for all runs of a profile: what it has read and loaded stays. */
const workspaces = new Map<string, Workspace>();
const runs = job === PREPARE ? readJobs(folder).flat() : readJobs(folder)[job]!;
for (const { profile, recompute, run: { name: called, method, ...options } } of runs) {
  const lab = workspaces.get(profile) ?? openWorkspace({ profile, recompute, progress });
  workspaces.set(profile, lab);
  try {
    if (job === PREPARE) await lab.prepare(method, options);
    else await lab.run(method, options);
  } catch (error) {
    failures[called] = explain(error);
    console.error(`${called}: ${(error as Error).stack ?? explain(error)}`);
  }
}
const failed = Object.keys(failures).length;
if (failed) writeFailures(folder, job, failures);
// What could be prepared is run; what could not fails once more in its own job, which says why.
if (failed && (job !== PREPARE || failed === runs.length)) process.exitCode = 1;
