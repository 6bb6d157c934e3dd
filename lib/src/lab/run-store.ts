/** The stored runs of a profile, `results/<profile>/runs`, one folder a run: which there are, what they hold, and their end. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { methods, type Track } from '../methods/index.js';
import type { Profile } from '../profiles.js';
import { explain, UserError } from '../store/errors.js';
import { runId } from './keys.js';
import { cacheOf, results } from './paths.js';
import { ALL, HEADLINE, type Plan, plansOf, SEEDS } from './plan.js';
import { asRun } from './run-settings.js';
import { readRun, type Run, type RunRecord } from './run.js';
import { type Conditions, conditions, headroom, moreRepositories, trainingLength } from './studies.js';
import type { SweepRun, SweptRun } from './sweep-run.js';

/** Ids of the finished runs, sorted. */
export function storedIds(profile: string): string[] {
  const folder = results(profile, 'runs');
  return existsSync(folder) ? readdirSync(folder).filter((id) => existsSync(join(folder, id, 'run.json'))).sort() : [];
}

/** The id that begins with `prefix`. Throws a UserError when there is none, or more than one. */
export function storedId(profile: string, prefix: string): string {
  const ids = storedIds(profile);
  const found = ids.includes(prefix) ? [prefix] : ids.filter((id) => id.startsWith(prefix));
  if (found.length === 0) throw new UserError(`No stored run of ${profile} begins with "${prefix}": npx code2lora runs --profile ${profile} lists them.`);
  if (found.length > 1) throw new UserError(`"${prefix}" begins the names of ${found.length} runs, ${found.join(', ')}: give more of it.`);
  return found[0]!;
}

/** Throws a UserError when its files are not whole. */
export async function readStored(profile: string, id: string): Promise<Run> {
  try {
    const run = await readRun(results(profile, 'runs', id));
    if (!run) throw new Error('it has no run.json');
    if (!run.record.track) throw new Error('it was written by an earlier version');
    return run;
  } catch (error) {
    throw new UserError(`The run ${id} of ${profile} cannot be read (${explain(error)}): npx code2lora runs remove ${id} --profile ${profile}, then make it again.`);
  }
}

export interface PlannedRun {
  id: string;
  track: Track;
  method: string;
  seed: number;
}

/** The runs that plans ask for, by id, each once. */
function plannedRuns(profile: Profile, plans: readonly Plan[]): PlannedRun[] {
  const runs = plansOf(profile, plans).flatMap(({ track, methods: names, seeds }) => names.flatMap((name) => seeds.map((seed) => {
    const method = methods.find((one) => one.name === name);
    if (!method) throw new UserError(`A plan in lab/plan.ts has the method "${name}", which is not in methods/index.ts: add it there or take it out of the plan.`);
    return { id: runId(method, track, seed, profile), track, method: name, seed };
  })));
  return [...new Map(runs.map((run) => [run.id, run])).values()];
}

/** The runs that the result tables are made of: those that are stored, read, and those that are not. */
export async function readPlanned(profile: Profile, plans: readonly Plan[] = [...HEADLINE, ...ALL]): Promise<{ runs: Run[]; missing: PlannedRun[] }> {
  const stored = new Set(storedIds(profile.name));
  const planned = plannedRuns(profile, plans);
  const runs: Run[] = [];
  for (const { id } of planned) if (stored.has(id)) runs.push(await readStored(profile.name, id));
  return { runs, missing: planned.filter(({ id }) => !stored.has(id)) };
}

/** Those of a study's runs that are stored, in its order. */
async function readStudy(profile: Profile, runs: readonly SweepRun[]): Promise<SweptRun[]> {
  const stored = new Set(storedIds(profile.name)), found: SweptRun[] = [];
  for (const { name, method: called, track = 'static', seed = SEEDS[0], learning = {}, encoder = {} } of runs) {
    const method = methods.find((one) => one.name === called)!;
    const id = runId(method, track, seed, asRun(profile, { learning, encoder }));
    if (stored.has(id)) found.push({ ...(await readStored(profile.name, id)), name });
  }
  return found;
}

/** What is stored of each study. */
export interface Studies {
  length: SweptRun[];
  repositories: SweptRun[];
  headroom: SweptRun[];
  conditions: (SweptRun & { conditions: Conditions })[];
}

export async function readStudies(profile: Profile): Promise<Studies> {
  const under = new Map(conditions().map((run) => [run.name, run.conditions]));
  return {
    length: await readStudy(profile, trainingLength()), repositories: await readStudy(profile, moreRepositories()),
    headroom: await readStudy(profile, headroom()),
    conditions: (await readStudy(profile, conditions())).map((run) => ({ ...run, conditions: under.get(run.name)! })),
  };
}

/** Removes a run's results and audit, what its evaluation left in the cache, and its trained weights unless another stored run has the same. */
export function removeRun(profile: string, id: string): { removed: string[]; sharedWith: string[] } {
  const trained = readTrained(profile, id);
  // What the profile made under other frozen models lies in the same cache.
  const family = readdirSync(results()).filter((other) => cacheOf(other) === cacheOf(profile));
  const others = family.flatMap((of) => storedIds(of).map((other) => ({ of, other }))).filter(({ of, other }) => of !== profile || other !== id);
  const sharedWith = trained ? others.filter(({ of, other }) => readTrained(of, other) === trained).map(({ of, other }) => (of === profile ? other : `${of}/${other}`)) : [];
  const folders = [
    results(profile, 'runs', id), results(profile, 'audits', `${id}.json`), ...(others.some(({ other }) => other === id) ? [] : [cacheOf(profile, 'runs', id)]),
    ...(trained && sharedWith.length === 0 ? [cacheOf(profile, 'trained', trained)] : []),
  ].filter(existsSync);
  for (const folder of folders) rmSync(folder, { recursive: true });
  return { removed: folders, sharedWith };
}

/** Name of what a run trained; undefined where it trained nothing, or its record cannot be read. */
function readTrained(profile: string, id: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(results(profile, 'runs', id, 'run.json'), 'utf8')) as RunRecord).inputs.trained ?? undefined;
  } catch {
    return undefined;
  }
}
