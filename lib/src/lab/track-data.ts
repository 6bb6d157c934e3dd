/**
 * What the methods of one track are trained and judged on: the tasks of each part as examples, and the vectors of the
 * contexts that they stand in. The same for all methods, and the same evaluation tasks under every seed.
 */
import { suiteOf } from '../data/dataset/suites.js';
import { isForReading } from '../data/tests-files.js';
import type { CrossRepoSplit, Repository, Task, Track } from '../data/types.js';
import type { CommitInputs } from '../hypernet/unroll.js';
import { EMPTY, RANDOM } from '../methods/method.js';
import type { Suite } from '../eval/types.js';
import type { Profile } from '../profiles.js';
import { UserError } from '../store/errors.js';
import { Random } from '../store/random.js';
import { remembered } from '../store/remembered.js';
import { groupBy, type Context } from '../train/draws.js';
import { matched, toExamples, type Example, type PromptFormat } from '../train/examples.js';
import type { BaseModel } from './base-model.js';
import type { CommitVectors } from './commit-vectors.js';
import type { Corpus } from './corpus.js';
import type { Vectors } from './vectors.js';

export interface TrackData {
  track: Track;
  train: Example[];
  validation: Example[];
  /** Tasks that are decoded. */
  suites: ReadonlyMap<Suite, Example[]>;
  /** Tasks whose likelihood is taken: those, and more of the same repositories. */
  scored: ReadonlyMap<Suite, Example[]>;
  /** The training repositories of the IR suite. */
  inRepository: ReadonlySet<string>;
  /** Training tasks whose target leaves no room for a prefix. */
  oversize: number;
  contextOf(example: Example): Context;
  trainContexts: Context[];
  /** Another repository of the same split; in the evolution track as far along its history as this one along its own. */
  otherThan(context: Context): Context;
  vector(context: Context): Float32Array;
  commits(context: Context): readonly CommitInputs[];
  repository(id: string): Promise<Repository>;
  /** All tasks of a repository, also those that may be asked. */
  repositoryTasks(repo: string): readonly Example[];
}

/** Where a track's vectors come from. */
interface VectorSource {
  vector(context: Context): Float32Array | undefined;
  commits(context: Context): readonly CommitInputs[];
  /** The newest context of a repository; of a training repository, the newest that is trained on. */
  newest(repo: string): Context;
  /** The last commit of a repository's history, also past those that are trained on. */
  last(repo: string): number;
}

export function staticTrack(
  profile: Profile, corpus: Pick<Corpus, 'tasks' | 'source'>, vectors: Vectors, base: BaseModel, format = matched(profile.maxTokens),
): TrackData {
  const source: VectorSource = { vector: ({ repo }) => vectors.get(repo), commits: () => [], newest: (repo) => ({ repo }), last: () => 0 };
  const repositories = remembered(async () => new Map((await corpus.source()).map((r) => [r.id, r])));
  const repository = async (id: string) => (await repositories()).get(id)!;
  return trackData('static', profile, corpus.tasks, base, format, source, ({ task }) => ({ repo: task.repo }), (t) => t.repo, repository);
}

/** Training sees commits of the train part only; a task's context is its own commit, which its diff belongs to. */
export function evolutionTrack(
  profile: Profile, kept: readonly Task[], vectors: CommitVectors, base: BaseModel, format = matched(profile.maxTokens),
): TrackData {
  const tasks = placed(kept, vectors);
  const lastTrained = new Map<string, number>();
  for (const t of tasks) {
    if (isTraining(t)) lastTrained.set(t.repo, Math.max(t.commitIndex, lastTrained.get(t.repo) ?? 0));
  }
  const last = lastCommit(vectors);
  const source: VectorSource = {
    vector: ({ repo, commit = 0 }) => vectors.get(repo)?.[commit]?.state,
    commits: ({ repo, commit = 0 }) => vectors.get(repo)?.slice(0, commit + 1) ?? [],
    newest: (repo) => ({ repo, commit: lastTrained.get(repo) ?? last(repo) }),
    last,
  };
  return trackData('evolution', profile, tasks, base, format, source, ({ task }) => ({ repo: task.repo, commit: task.commitIndex }),
    (t) => `${t.repo}@${t.commitIndex}`, () => { throw new UserError('Methods that read the source text answer on the static track only.'); });
}

/**
 * The published static track: it trains on the tasks of one snapshot of each training repository, the anchor, and is judged
 * on tasks of commits, each with the adapter of the repository at that commit and not at a later one.
 */
export function anchoredTrack(
  profile: Profile, kept: readonly Task[], anchors: Vectors, vectors: CommitVectors, base: BaseModel, format = matched(profile.maxTokens),
): TrackData {
  const tasks = placed(kept, vectors);
  const source: VectorSource = {
    vector: ({ repo, commit }) => (commit === undefined ? anchors.get(repo) : vectors.get(repo)?.[commit]?.state), commits: () => [],
    newest: (repo) => ({ repo }), last: lastCommit(vectors),
  };
  const contextOf = ({ task }: Example): Context => (isTraining(task) ? { repo: task.repo } : { repo: task.repo, commit: task.commitIndex });
  return trackData('static', profile, tasks, base, format, source, contextOf, (t) => `${t.repo}@${t.commitIndex}`, () => {
    throw new UserError('The published tables hold tasks and vectors, no source text: curate repositories of your own to run this method.');
  });
}

/** The place of a history's last commit. */
const lastCommit = (vectors: CommitVectors) => (repo: string): number => (vectors.get(repo)?.length ?? 1) - 1;

/** Tasks with their commit's place among those that have vectors: a history has gaps where a commit's clock stood before the training part. */
function placed(kept: readonly Task[], vectors: CommitVectors): Task[] {
  const place = new Map([...vectors].map(([repo, list]) => [repo, new Map(list.map((c, i) => [c.index, i]))]));
  const tasks = kept.flatMap((t) => {
    const commitIndex = place.get(t.repo)?.get(t.commitIndex);
    return commitIndex === undefined ? [] : [{ ...t, commitIndex }];
  });
  if (tasks.length < kept.length) throw new UserError(`${kept.length - tasks.length} tasks belong to commits without vectors: delete the commit vectors in data/cache and run again.`);
  return tasks;
}

/** A task that is trained on. */
const isTraining = ({ split, inRepoSplit }: Task): boolean => suiteOf(split, inRepoSplit) === 'train';

function trackData(
  track: Track, profile: Profile, all: readonly Task[], base: BaseModel, format: PromptFormat, source: VectorSource,
  contextOf: (e: Example) => Context, unit: (t: Task) => string, repository: (id: string) => Promise<Repository>,
): TrackData {
  const tasks = profile.encoder.halved ? all.filter(({ file }) => !isForReading(file)) : all;
  const limits = profile.evaluated[track];
  const some = (wanted: (t: Task) => boolean, most: number) => alongHistories([...groupBy(tasks.filter(wanted), unit).values()], limits.commits)
    .flatMap((list) => ('published' in profile.corpus ? list : new Random(profile.curation.seed).shuffle(list)).slice(0, most));
  const judged = (list: readonly Task[]) => toExamples(list, base.tokenizer, format, 'judging').examples;
  const inSplit = (split: CrossRepoSplit) => (t: Task) => t.split === split;
  const trainRepos = new Random(profile.curation.seed).shuffle([...new Set(tasks.filter((t) => t.split === 'train').map((t) => t.repo))].sort())
    .slice(0, profile.learning.trainRepositories);
  const learnt = new Set(trainRepos), drawn = new Set(trainRepos.slice(0, limits.irRepositories));
  const { examples: train, oversize } = toExamples(tasks.filter((t) => isTraining(t) && learnt.has(t.repo)), base.tokenizer, format, 'training');
  const asked: [Suite, (t: Task) => boolean][] = [
    ['CR', inSplit('cr_test')], ['IR', (t) => t.split === 'train' && t.inRepoSplit === 'test' && drawn.has(t.repo)], ['OOD', inSplit('ood_test')],
  ];
  // The first of the same lists, of published tables as the authors took them and else shuffled: the longer draw holds the shorter.
  const draw = (most: (suite: Suite) => number) => new Map(asked.map(([suite, wanted]): [Suite, Example[]] => [suite, judged(some(wanted, most(suite)))]));
  const suites = draw((suite) => limits[suite]);
  const scored = draw((suite) => (limits[suite] ? Math.max(limits[suite], profile.likelihood[track][suite]) : 0));
  const filled = (all: Map<Suite, Example[]>) => new Map([...all].filter(([, list]) => list.length));
  const inRepository = new Set(suites.get('IR')!.map((e) => e.task.repo));
  const splits = new Map(tasks.map((t) => [t.repo, t.split]));
  const ofRepo = new Map<string, Example[]>();
  const repos = [...splits.keys()].sort();
  if (repos.length === 0) throw new UserError(`The ${track} track of ${profile.name} has no task: all assertions were left out. The report of what was dropped, and why, is in notebook 01.`);
  const width = source.vector(source.newest(repos[0]!))!.length;
  const special = new Map([[EMPTY.repo, new Float32Array(width)], [RANDOM.repo, randomUnit(width, profile.curation.seed)]]);
  const vector = (context: Context) => {
    const found = special.get(context.repo) ?? source.vector(context);
    if (!found && !splits.has(context.repo)) throw new UserError(`The ${track} track of ${profile.name} has no task of a repository ${JSON.stringify(context.repo)}: it has ${repos.slice(0, 3).join(', ')}${repos.length > 3 ? ` and ${repos.length - 3} more` : ''}.`);
    if (!found) throw new UserError(`There is no vector of ${context.repo} at commit ${context.commit ?? 'of its snapshot'}: delete its vectors in data/cache and run again.`);
    return found;
  };
  return {
    track, train, validation: judged(some(inSplit('cr_val'), limits.validation)),
    suites: filled(suites), scored: filled(scored), inRepository, oversize,
    contextOf, vector, repository,
    trainContexts: [...new Set(train.map((e) => e.task.repo))].sort().map(source.newest),
    otherThan: ({ repo, commit }) => {
      // Of a training repository one that was trained on too, however few they are.
      const peers = repos.filter((r) => splits.get(r) === splits.get(repo) && (splits.get(r) !== 'train' || learnt.has(r))), other = peers[(peers.indexOf(repo) + 1) % peers.length]!;
      if (commit === undefined) return { repo: other };
      // Both equally old, so that age is no part of the difference.
      const share = source.last(repo) ? commit / source.last(repo) : 1;
      return { repo: other, commit: Math.round(source.last(other) * share) };
    },
    commits: (context) => (special.has(context.repo) ? [] : source.commits(context)),
    repositoryTasks: (repo) => {
      if (!ofRepo.has(repo)) ofRepo.set(repo, judged(tasks.filter((t) => t.repo === repo)));
      return ofRepo.get(repo)!;
    },
  };
}

/** Of each repository so many of its units (commits), evenly from its first to its last. */
function alongHistories(units: readonly Task[][], most = Number.POSITIVE_INFINITY): Task[][] {
  return [...groupBy(units, ([first]) => first!.repo).values()].flatMap((list) => (list.length <= most ? list
    : Array.from({ length: most }, (_, i) => list[Math.round((i * (list.length - 1)) / Math.max(1, most - 1))]!)));
}

function randomUnit(width: number, seed: number): Float32Array {
  const random = new Random(seed);
  const values = Float32Array.from({ length: width }, () => random.normal());
  const norm = Math.hypot(...values);
  return values.map((x) => x / norm);
}
