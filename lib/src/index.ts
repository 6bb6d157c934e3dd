/** What notebooks import: the workspace, and results as tables and figures. */
export { openWorkspace, type Workspace, type WorkspaceOptions } from './lab/workspace.js';
export type { Run, RunOptions, RunRecord } from './lab/run.js';
export { results } from './lab/paths.js';
export type { SweepOptions } from './lab/sweep.js';
export type { SweepRun, SweptRun } from './lab/sweep-run.js';
export { recipeOf } from './encoder/repository-vector.js';
export type { Interval, Likelihood, Prediction } from './eval/types.js';
export { clusteredInterval, pairedInterval } from './eval/interval.js';
export type { Evolution } from './lab/evolution.js';
export type { CurationReport } from './data/curate.js';
export { repeatedInRepository } from './data/leakage.js';
export type { Commit, Task, Repository } from './data/types.js';
export * from './report/index.js';
