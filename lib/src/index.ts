/** What notebooks import: the workspace, and results as tables and figures. */
export { openWorkspace, type RunOptions, type Workspace, type WorkspaceOptions } from './lab/workspace.js';
export type { Run, RunRecord } from './lab/run.js';
export type { Prediction, Interval } from './eval/types.js';
export { clusteredInterval, pairedInterval } from './eval/interval.js';
export type { Task, Repository } from './data/types.js';
export * from './report/index.js';
