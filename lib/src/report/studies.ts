/** The stored runs of the studies (lab/studies.ts) as rows of tables and figures. */
import { passesKept } from '../lab/run.js';
import type { SweptRun } from '../lab/sweep-run.js';
import { type AblationRow, ablationRows } from './ablation/rows.js';

/** A row of what was trained on so many repositories, and after how many passes over their tasks it was kept. */
export interface RepositoriesRow extends AblationRow {
  passesKept?: number | undefined;
}

/** Rows named by the number of repositories that each run was trained on; several runs on as many are one. */
export function repositoriesRows(runs: readonly SweptRun[]): RepositoriesRow[] {
  const counted = runs.flatMap((run) => (run.record.trainRepositories === undefined ? [] : [{ ...run, name: String(run.record.trainRepositories) }]));
  const byName = new Map(counted.map((run) => [run.name, run]));
  return ablationRows([...byName.values()].sort((a, b) => Number(a.name) - Number(b.name))).map((row) => ({ ...row, passesKept: passesKept(byName.get(row.choice)!.record) }));
}
