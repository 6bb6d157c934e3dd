/** The splits of both tracks: the paper's Table 1, and Table 5, which also has tasks per commit. */
import type { ColumnTable } from 'arquero';
import type { Suite } from '../../data/dataset/suites.js';
import type { PublishedDataset, PublishedSplit } from '../published.js';
import type { SplitCount } from './counts.js';
import { type Line, oursAndPaper } from './ours-and-paper.js';

/** Counts of the tracks that have been curated. */
export interface TrackCounts {
  static?: readonly SplitCount[];
  evolution?: readonly SplitCount[];
}

/** Table 1: repositories, commits, tasks, tasks per repository. The out-of-distribution line is the evolution track's. */
export function splitTable(counts: TrackCounts, { table1 }: PublishedDataset): ColumnTable {
  return oursAndPaper([
    ...lines('static', table1.static, counts.static),
    ...lines('evolution', [...table1.evolution, ...table1.ood], counts.evolution),
  ]);
}

/** Table 5: as Table 1, with commits per repository and tasks per commit, and out-of-distribution lines in both tracks. */
export function detailedSplitTable(counts: TrackCounts, { table5 }: PublishedDataset): ColumnTable {
  return oursAndPaper((['static', 'evolution'] as const).flatMap((track) => lines(track, table5[track], counts[track])));
}

function lines(track: string, published: readonly PublishedSplit[], counts: readonly SplitCount[] | undefined): Line[] {
  return published.map(({ split, ...numbers }) => {
    const paper = Object.fromEntries(Object.entries(numbers).map(([key, value]) => [columnNamed(key), Number(value)]));
    const suite = suiteNamed(split);
    const count = counts?.find((own) => own.suite === suite);
    const own = count && ratios(count);
    return { labels: { track, split }, ours: Object.fromEntries(Object.keys(paper).map((name) => [name, own?.[name] ?? null])), paper };
  });
}

function ratios({ repositories, commits, tasks }: SplitCount): Record<string, number> {
  return {
    repos: repositories, commits, tasks,
    'commits per repo': commits / repositories, 'tasks per commit': tasks / commits, 'tasks per repo': tasks / repositories,
  };
}

/** The paper's column as ours is called: `qnas_per_repo` is `tasks per repo`. */
const columnNamed = (key: string): string => key.replace('qnas', 'tasks').replaceAll('_', ' ');

/** The paper's name of a split as a suite: `CR val` is `cr_val`. The evolution track trains on `train (Evo…)`. */
function suiteNamed(split: string): Suite | undefined {
  // One snapshot a repository, on which the paper trains its static methods for the evolution track's test: not made here.
  if (split.startsWith('train (Static')) return undefined;
  return (split.startsWith('train') ? 'train' : split.toLowerCase().replace(' ', '_')) as Suite;
}
