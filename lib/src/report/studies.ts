/** The stored runs of the studies (lab/studies.ts) as rows of tables and figures. */
import type { SweptRun } from '../lab/sweep-run.js';
import { type AblationRow, ablationRows } from './ablation/rows.js';

/** Rows named by the number of repositories that each run was trained on; several runs on as many are one. */
export function repositoriesRows(runs: readonly SweptRun[]): AblationRow[] {
  const counted = runs.flatMap((run) => (run.record.trainRepositories === undefined ? [] : [{ ...run, name: String(run.record.trainRepositories) }]));
  return ablationRows([...new Map(counted.map((run) => [run.name, run])).values()].sort((a, b) => Number(a.name) - Number(b.name)));
}
