/** Scores repository by repository: how far a method's mean hides good and bad ones. */
import { UserError } from '../store/errors.js';
import { deviation, mean, median } from './average.js';
import type { Prediction } from './types.js';

/** Fractions in [0, 1], each a mean over the repository's tasks (and over seeds where there are several). */
export interface RepositoryScores {
  repo: string;
  tasks: number;
  strictEM: number;
  relaxedEM: number;
  editSimilarity: number;
  codeBleu: number;
}

export type Score = Exclude<keyof RepositoryScores, 'repo' | 'tasks'>;

/** How a score spreads over repositories, each counted once whatever its number of tasks. */
export interface Spread {
  repositories: number;
  median: number;
  /** Population standard deviation. */
  sigma: number;
}

/**
 * One row a repository, by name.
 * @param predictions of one method with one adapter on one suite
 * @throws UserError when they are of several
 */
export function perRepository(predictions: readonly Prediction[]): RepositoryScores[] {
  const groups = [...new Set(predictions.map(({ method, adapter, track, suite }) => `${method} (${adapter}, ${track}, ${suite})`))];
  if (groups.length > 1) throw new UserError(`These predictions mix ${groups.join(' and ')}: filter them to one.`);
  const repos = new Map<string, Prediction[]>();
  for (const prediction of predictions) {
    const list = repos.get(prediction.repo);
    if (list) list.push(prediction);
    else repos.set(prediction.repo, [prediction]);
  }
  return [...repos].sort(([a], [b]) => (a < b ? -1 : 1)).map(([repo, list]) => ({
    repo,
    tasks: new Set(list.map(({ taskId }) => taskId)).size,
    strictEM: mean(list.map(({ strictEM }) => Number(strictEM))),
    relaxedEM: mean(list.map(({ relaxedEM }) => Number(relaxedEM))),
    editSimilarity: mean(list.map(({ editSimilarity }) => editSimilarity)),
    codeBleu: mean(list.map(({ codeBleu }) => codeBleu)),
  }));
}

/** @throws UserError when there is no repository */
export function spread(rows: readonly RepositoryScores[], score: Score): Spread {
  if (rows.length === 0) throw new UserError('No repository to compare: no task was evaluated. Check the filters of the evaluation.');
  const values = rows.map((row) => row[score]);
  return { repositories: values.length, median: median(values), sigma: deviation(values) };
}

/**
 * On how many repositories a method scores below another, and on which share of them; equal scores are not below.
 * @throws UserError when the two do not have the same repositories
 */
export function below(
  rows: readonly RepositoryScores[], other: readonly RepositoryScores[], score: Score,
): { repositories: number; share: number } {
  const others = new Map(other.map((row) => [row.repo, row[score]]));
  const missing = rows.find(({ repo }) => !others.has(repo))?.repo;
  if (missing !== undefined || rows.length !== other.length || rows.length === 0) {
    const example = missing === undefined ? '' : ` (${missing} is in one only)`;
    throw new UserError(
      `Cannot compare ${rows.length} repositories with ${other.length}${example}: evaluate both methods on the same tasks.`);
  }
  const repositories = rows.filter((row) => row[score] < others.get(row.repo)!).length;
  return { repositories, share: repositories / rows.length };
}
