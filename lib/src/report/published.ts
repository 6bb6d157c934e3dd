/** The paper's own numbers (data/paper/tables.json), shown beside ours. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UserError } from '../store/errors.js';

/** Exact match in percent (the paper's relaxed matching); similarities in [0, 1]. */
export interface PublishedScores {
  EM: number;
  EditSim: number;
  CodeBLEU: number;
}

export interface PublishedRow {
  method: string;
  group: string;
  /** `null` where the method cannot be applied: Per-repo LoRA to unseen repositories. */
  CR: PublishedScores | null;
  IR: PublishedScores | null;
}

/** Table 2: the static track. */
export type PublishedTable = PublishedRow[];

const shipped = fileURLToPath(new URL('../../../data/paper/tables.json', import.meta.url));

/** Reads Table 2. Throws a UserError when the file is missing or is not what it should be. */
export function readPublished(path: string = shipped): PublishedTable {
  try {
    const { table2 } = JSON.parse(readFileSync(path, 'utf8')) as { table2: { rows: PublishedTable } };
    return table2.rows;
  } catch (error) {
    throw new UserError(`Cannot read the paper's tables at ${path} (${(error as Error).message}): restore it with \`git checkout data/paper\`.`);
  }
}
