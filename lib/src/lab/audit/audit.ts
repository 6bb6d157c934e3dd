/**
 * Does what a run writes depend on the repository, and at which point is that lost? Measured from the vectors that are read
 * to the adapters that are written, and in what these do: every adapter of a suite on every repository of it, and adapters
 * between the average and the own one. Stored under the run's name.
 */
import { join } from 'node:path';
import { likelihoods } from '../../eval/likelihood.js';
import type { Suite } from '../../eval/types.js';
import { averageAdapters, between, disposeAdapter, type Adapter } from '../../lora/adapter.js';
import { deltaGram, factorGram } from '../../lora/gram.js';
import type { Method } from '../../methods/method.js';
import type { Profile } from '../../profiles.js';
import { writeFileAtomic } from '../../store/atomic.js';
import { UserError } from '../../store/errors.js';
import { locked } from '../../store/lock.js';
import type { Progress } from '../../store/progress.js';
import { storedJson } from '../../store/stored-json.js';
import { isWhole, seal } from '../../store/sums.js';
import { groupBy } from '../../train/draws.js';
import type { Example } from '../../train/examples.js';
import { whole } from '../adapters.js';
import { adaptersOf } from '../answering.js';
import type { BaseModel } from '../base-model.js';
import { likelihoodKey, runId } from '../keys.js';
import { methodInputs } from '../method-inputs.js';
import { results } from '../paths.js';
import type { TrackData } from '../track-data.js';
import { trained } from '../training.js';
import { gramOf, spreadOf, type Spread } from './geometry.js';

/** Factors of the way from the average adapter to the own one. */
export const STEPS = [0, 0.25, 0.5, 0.75, 1, 1.5, 2] as const;
/** Most repositories of a suite, and most tasks of each: every one is asked under every adapter. */
const REPOSITORIES = 60, TASKS = 10;
const VERSION = 1;

export interface SuiteAudit {
  suite: Suite;
  repositories: string[];
  /** Ids of each repository's tasks. */
  tasks: string[][];
  /** Target tokens of each repository's tasks. */
  tokens: number[];
  /** Nats of all targets of repository [row] under the adapter written for repository [column]. */
  nats: number[][];
  /** Nats of each repository's targets under average + step · (own − average), one a step. */
  steps: number[][];
  /** How the repositories lie to one another, from what is read to what is written. */
  spread: Partial<Record<'vectors' | 'trunk' | 'factors' | 'deltas', Spread>>;
}

export interface Audit {
  run: string;
  method: string;
  seed: number;
  version: number;
  /** Names the draw that its tasks are of. */
  drawn: string;
  suites: SuiteAudit[];
}

const placeOf = (run: string, profile: Profile) => ({ folder: results(profile.name, 'audits'), file: `${run}.json` });

/** @throws UserError when the method does not write an adapter for each repository, or not on the static track */
export async function audit(method: Method, seed: number, profile: Profile, base: BaseModel, data: TrackData, progress: Progress): Promise<Audit> {
  if (data.track !== 'static' || !method.adapters('static').includes('other')) {
    throw new UserError(`${method.name} cannot be audited (${data.track} track): give a method that writes an adapter for each repository of the static track, as code2lora-static.`);
  }
  if ('published' in profile.corpus) {
    throw new UserError(`${profile.name} has tasks of many commits of a repository, and an audit takes one vector of each: give a profile of repositories, as mini.`);
  }
  const run = runId(method, data.track, seed, profile), inputs = methodInputs(data, base, profile, seed);
  const answers = await method.answers(inputs, await trained(method, profile, inputs, progress));
  const alive: Adapter[] = [], kept = (adapter: Adapter): Adapter => {
    alive.push(adapter);
    return adapter;
  };
  const chosen = [...data.scored].map(([suite, list]) => ({ suite, tasks: some(list) }));
  // Every task under every adapter, and at every step.
  const total = chosen.reduce((sum, { tasks }) => sum + [...tasks.values()].flat().length * (tasks.size + STEPS.length), 0);
  let done = 0;
  const tick = (n: number) => progress({ stage: `auditing ${method.name}`, done: done += n, total });
  try {
    const average = kept(whole(averageAdapters(adaptersOf(answers, data.trainContexts))));
    const suites: SuiteAudit[] = [];
    for (const { suite, tasks } of chosen) {
      const repositories = [...tasks.keys()], adapters = repositories.map((repo) => kept(whole(answers.adapter!({ repo })))), lists = [...tasks.values()];
      const natsUnder = async (adapterFor: (row: number) => Adapter): Promise<number[]> => {
        const used = lists.map((_, row) => adapterFor(row)), owners = lists.flatMap((list, row) => list.map(() => row));
        const nats = likelihoods(base, lists.flat(), base.tokenizer, tick, { adapters: used, owners });
        await new Promise(setImmediate);
        return lists.map((_, row) => nats.reduce((sum, { targetNats }, i) => sum + (owners[i] === row ? targetNats : 0), 0));
      };
      const columns: number[][] = [], steps: number[][] = [];
      for (const adapter of adapters) columns.push(await natsUnder(() => adapter));
      for (const step of STEPS) {
        const moved = adapters.map((own) => between(average, own, step));
        try {
          steps.push(await natsUnder((row) => moved[row]!));
        } finally {
          moved.forEach(disposeAdapter);
        }
      }
      const [factors, deltas] = [factorGram(adapters), deltaGram(adapters)].map(spreadOf);
      suites.push({
        suite, repositories, tasks: lists.map((list) => list.map(({ task }) => task.id)),
        tokens: lists.map((list) => list.reduce((n, { target }) => n + target.length - (target.at(-1) === base.tokenizer.eos ? 1 : 0), 0)),
        nats: repositories.map((_, row) => columns.map((column) => column[row]!)),
        steps: repositories.map((_, row) => steps.map((step) => step[row]!)),
        spread: {
          vectors: spreadOf(gramOf(repositories.map((repo) => data.vector({ repo })))),
          ...(answers.trunk && { trunk: spreadOf(gramOf(repositories.map((repo) => answers.trunk!({ repo })))) }),
          factors: factors!, deltas: deltas!,
        },
      });
    }
    const made: Audit = { run, method: method.name, seed, version: VERSION, drawn: likelihoodKey('static', profile), suites };
    const { folder, file } = placeOf(run, profile);
    writeFileAtomic(join(folder, file), `${JSON.stringify(made, (_key, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(7)) : value))}\n`);
    await locked(folder, 'noting an audit', progress, async () => seal(folder, [file]));
    return readAudit(run, profile)!;
  } finally {
    alive.forEach(disposeAdapter);
    answers.dispose();
  }
}

/** The first tasks of the first repositories; repositories by name. */
function some(list: readonly Example[]): Map<string, Example[]> {
  const byRepo = [...groupBy(list, ({ task }) => task.repo)].slice(0, REPOSITORIES).sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(byRepo.map(([repo, tasks]) => [repo, tasks.slice(0, TASKS)]));
}

/** The stored audit of a run, which needs nothing else; one of an earlier version or of other tasks, or a damaged one, is made anew. */
export function readAudit(run: string, profile: Profile): Audit | undefined {
  const { folder, file } = placeOf(run, profile);
  const stored = isWhole(folder, file) ? storedJson(join(folder, file)) as Partial<Audit> | undefined : undefined;
  return stored?.version === VERSION && stored.drawn === likelihoodKey('static', profile) ? stored as Audit : undefined;
}
