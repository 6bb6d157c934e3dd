/** `curate`: repositories of a source become a benchmark: parquet tables and a report of what was kept and dropped. */
import { parseArgs } from 'node:util';
import { curate, type CurationReport, type Track } from '../data/curate.js';
import { secondsOfDay } from '../data/iso-day.js';
import { fetchHubDataset } from '../data/sources/hub.js';
import { readProjects, readRepositories } from '../data/sources/corpus-file.js';
import { gitSource, localPin } from '../data/sources/git.js';
import { pypiSource } from '../data/sources/pypi.js';
import { syntheticSource } from '../data/sources/synthetic/synthetic.js';
import { type Source, SPLITS } from '../data/types.js';
import { cache, data } from '../lab/paths.js';
import { EVOLUTION } from '../profiles.js';
import { UserError } from '../store/errors.js';
import type { Progress } from '../store/progress.js';
import { atLeastOne, count } from './options.js';
import { terminalProgress } from './terminal-progress.js';

export const USAGE = `Usage: npx code2lora curate --source git|pypi|synthetic|hub --track static|evolution --out DIR [options]

  --source git        --path REPO, or --corpus FILE (data/corpora/mini-git.json) and perhaps --mirror DIR
  --source pypi       --corpus FILE (data/corpora/mini.json)
  --source synthetic  --repositories 60 --seed 3407
  --source hub        --dataset code2lora/code2lora-data-snapshots --revision COMMIT: the published tables, into the cache (no --out)

  --cutoff 2025-04-01     histories end before this day (UTC); of a list of repositories its own "cutoff", when not given
  --identity assertion    which assertions of a commit are new: assertion, or full-prefix as in the authors' code
  --prefix structured     or full-file
  --per-commit 8, --per-file 4    most tasks of a commit, and of a file in it
  --split train           with --path: the split of the repository (train, cr_val, cr_test, ood_test)`;

const OPTIONS = {
  source: { type: 'string' }, track: { type: 'string' }, out: { type: 'string' }, path: { type: 'string' },
  corpus: { type: 'string' }, mirror: { type: 'string' }, repositories: { type: 'string' }, seed: { type: 'string' },
  dataset: { type: 'string' }, revision: { type: 'string' }, cutoff: { type: 'string' },
  identity: { type: 'string' }, prefix: { type: 'string' }, 'per-commit': { type: 'string' }, 'per-file': { type: 'string' },
  split: { type: 'string' },
} as const;

const GIT = data('corpora', 'mini-git.json');

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

export async function run(args: string[]): Promise<void> {
  if (args.length === 0) return console.log(USAGE);
  const { values } = parseArgs({ args, options: OPTIONS });
  refuseIdle(values);
  const progress = terminalProgress();
  if (values.source === 'hub') {
    if (!values.dataset || !values.revision) throw new UserError('A published dataset needs --dataset owner/name and --revision, the commit to pin.');
    console.log(`In ${await fetchHubDataset({ name: values.dataset, revision: values.revision }, cache(), progress)}.`);
    return;
  }
  const out = values.out;
  if (!out) throw new UserError('Where to? Give a folder with --out.');
  const cutoff = values.cutoff === undefined ? cutoffOf(values) : secondsOfDay(values.cutoff, '--cutoff');
  const report = await curate(openSource(values, cutoff, progress), trackOf(values, cutoff), out);
  print(report);
  sayCutOff(report, values, new Date(cutoff * 1000).toISOString().slice(0, 10));
  console.log(`\nWritten to ${out}.`);
}

/** Options of what becomes tasks here. */
const OF_TASKS = ['track', 'out', 'seed', 'cutoff', 'identity', 'prefix', 'per-commit', 'per-file'] as const;

/** Whoever gives an option expects that it counts. */
function refuseIdle(values: Values): void {
  const idle = (names: readonly (keyof Values)[], needs: string) => {
    const name = names.find((one) => values[one] !== undefined);
    if (name) throw new UserError(`--${name} says nothing here: it needs ${needs}.`);
  };
  const { source, path } = values, evolution = values.track === 'evolution';
  if (source === 'hub') idle(OF_TASKS, '--source git, pypi or synthetic');
  else idle(['dataset', 'revision'], '--source hub');
  if (source !== 'git') idle(['path', 'mirror'], '--source git');
  if (source !== 'git' && source !== 'pypi') idle(['corpus'], '--source git or pypi');
  if (source !== 'synthetic') idle(['repositories'], '--source synthetic');
  if (path !== undefined) idle(['corpus', 'mirror'], 'a list of repositories in place of --path');
  if (path === undefined) idle(['split'], '--path REPO; the repositories of a list have theirs in it');
  if (!evolution) idle(['identity', 'per-commit', 'per-file'], '--track evolution');
  if (!evolution && source !== 'git') idle(['cutoff'], '--track evolution, or --source git');
  if (evolution && source !== 'synthetic') idle(['seed'], '--track static, or --source synthetic');
}

/** That of the list of repositories, or the benchmark's. */
function cutoffOf({ source, path, corpus }: Values): number {
  const own = source === 'git' && path === undefined ? readRepositories(corpus ?? GIT).cutoff : undefined;
  return secondsOfDay(own ?? EVOLUTION.cutoff, 'The cut-off');
}

function openSource(values: Values, cutoff: number, progress: Progress): Source {
  const options = { cacheDir: cache(), cutoff, ...(values.mirror !== undefined && { mirror: values.mirror }) };
  switch (values.source) {
    case 'git':
      return values.path !== undefined
        ? gitSource([localPin(values.path, choice('split', values.split ?? 'train', SPLITS))], options, progress)
        : gitSource(readRepositories(values.corpus ?? GIT).repositories, options, progress);
    case 'pypi':
      return pypiSource(readProjects(values.corpus ?? data('corpora', 'mini.json')), cache(), progress);
    case 'synthetic':
      return syntheticSource(count('repositories', values.repositories ?? '60'), seedOf(values), cache('synthetic'), progress);
    default:
      throw new UserError(`--source is one of git, pypi, synthetic, hub${values.source ? `, not ${values.source}` : ''}.`);
  }
}

function trackOf(values: Values, cutoff: number): Track {
  const synthetic = values.source === 'synthetic';
  const prefix = choice('prefix', values.prefix ?? 'structured', ['structured', 'full-file'] as const);
  if (choice('track', values.track ?? 'static', ['static', 'evolution'] as const) === 'static') {
    return { track: 'static', options: { seed: seedOf(values), maxTasks: 200, minTasks: values.path === undefined ? 30 : 1, prefix, keepShared: synthetic } };
  }
  return {
    track: 'evolution',
    options: {
      cutoff, prefix, keepShared: synthetic, keepShort: synthetic, identity: choice('identity', values.identity ?? 'assertion', ['assertion', 'full-prefix'] as const),
      perCommit: atLeastOne('per-commit', values['per-commit'] ?? '8'), perFile: atLeastOne('per-file', values['per-file'] ?? '4'),
    },
  };
}

const seedOf = ({ seed }: Values): number => count('seed', seed ?? '3407');

function choice<T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find((item) => item === value);
  if (!found) throw new UserError(`--${name} is one of ${known.join(', ')}, not ${value}.`);
  return found;
}

function print({ track, options, repositories, unusable, leakage }: CurationReport): void {
  const sum = (of: (r: CurationReport['repositories'][number]) => number) => repositories.reduce((total, r) => total + of(r), 0);
  const read = track === 'evolution' ? `, from ${sum((r) => r.commitsRead ?? 0)} commits of which ${sum((r) => r.commits)} kept` : '';
  console.log(`\n${sum((r) => r.tasks)} tasks of ${repositories.filter((r) => r.tasks > 0).length} repositories${read}.`);
  reasons('Assertions that gave no task', repositories.map((r) => r.drops));
  reasons('Files not read', repositories.map((r) => r.unread));
  console.log(`Leakage: ${leakage.sharedWithTraining} tasks shared with training repositories${options['keepShared'] ? ' (kept: synthetic)' : ' dropped'}, `
    + `${leakage.beforeTraining} tasks dropped for a time before training${leakage.newest ? `, newest commit ${leakage.newest}` : ''}.`);
  for (const { reason } of unusable) console.log(`Not used: ${reason}`);
}

/** What lies after the cut-off is not read: a repository of today has more. */
function sayCutOff({ track, repositories }: CurationReport, { source }: Values, day: string): void {
  const going = repositories.filter(({ cutOff }) => cutOff).length;
  if (going) console.log(`${going} of ${repositories.length} histories go on after the cut-off of ${day}, and were read up to there: --cutoff sets another.`);
  if (track === 'static' && source === 'git') console.log(`Snapshots are of the last commit before the cut-off of ${day}, but for those out of distribution: --cutoff sets another.`);
}

function reasons(title: string, counts: Partial<Record<string, number>>[]): void {
  const totals = new Map<string, number>();
  for (const part of counts) for (const [reason, n] of Object.entries(part)) totals.set(reason, (totals.get(reason) ?? 0) + (n ?? 0));
  console.log(`${title}: ${[...totals].sort((a, b) => b[1] - a[1]).map(([reason, n]) => `${n} ${reason}`).join(', ') || 'none'}.`);
}
