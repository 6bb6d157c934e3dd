/** The suites of RepoPeftBench: one file each in a dataset's folder. */
import { join } from 'node:path';
import type { CrossRepoSplit, InRepoSplit } from '../types.js';

export const SUITES = ['train', 'ir_val', 'ir_test', 'cr_val', 'cr_test', 'ood_test'] as const;
export type Suite = (typeof SUITES)[number];

/** `qna` holds the tasks, `commits` the kept commits of the evolution track. */
export type TableKind = 'qna' | 'commits';

/** The suite of a task or commit: training repositories are parted in time or at random, others belong to one suite whole. */
export function suiteOf(split: CrossRepoSplit, inRepoSplit: InRepoSplit): Suite {
  if (split !== 'train') return split;
  return inRepoSplit === 'train' ? 'train' : `ir_${inRepoSplit}`;
}

/** The splits of a suite's rows, for files that do not say. Repositories without a part for training are all `test`. */
export function splitsOf(suite: Suite): { split: CrossRepoSplit; inRepoSplit: InRepoSplit } {
  if (suite === 'train') return { split: 'train', inRepoSplit: 'train' };
  if (suite === 'ir_val') return { split: 'train', inRepoSplit: 'val' };
  if (suite === 'ir_test') return { split: 'train', inRepoSplit: 'test' };
  return { split: suite, inRepoSplit: 'test' };
}

/** Where a suite's table is in a dataset's folder. */
export function tablePath(folder: string, kind: TableKind, suite: Suite): string {
  return join(folder, kind, `${suite}.parquet`);
}
