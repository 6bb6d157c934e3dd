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

/** Tables 1 and 5: one split of a track, and its numbers by the names of their columns (`repos`, `qnas_per_commit`). */
export interface PublishedSplit {
  split: string;
  [column: string]: number | string;
}

/** Table 6: shares in percent. */
export interface PublishedShare {
  label: string;
  train: number;
  CR_test: number;
  IR_test: number;
}

/** Table 7: lengths in tokens of Qwen2.5-Coder. */
export interface PublishedLengths {
  component: string;
  mean: number;
  median: number;
  std: number;
  p75: number;
  p95: number;
  p99: number;
  max: number;
}

/** Tables 1, 5, 6 and 7: what the benchmark is made of. */
export interface PublishedDataset {
  table1: Record<'static' | 'evolution' | 'ood', PublishedSplit[]>;
  table5: Record<'static' | 'evolution', PublishedSplit[]>;
  table6: Record<'family' | 'target_type', PublishedShare[]>;
  table7: { rows: PublishedLengths[] };
}

const shipped = fileURLToPath(new URL('../../../data/paper/tables.json', import.meta.url));

/** Reads Table 2. Throws a UserError when the file is missing or is not what it should be. */
export function readPublished(path: string = shipped): PublishedTable {
  return read<{ table2: { rows: PublishedTable } }>(path, ['table2']).table2.rows;
}

/** Reads Tables 1, 5, 6 and 7. Throws a UserError when the file is missing or is not what it should be. */
export function readPublishedDataset(path: string = shipped): PublishedDataset {
  return read<PublishedDataset>(path, ['table1', 'table5', 'table6', 'table7']);
}

function read<T extends object>(path: string, tables: (keyof T & string)[]): T {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as T;
    const missing = tables.find((table) => !(table in found));
    if (missing) throw new Error(`it has no ${missing}`);
    return found;
  } catch (error) {
    throw new UserError(`Cannot read the paper's tables at ${path} (${(error as Error).message}): restore it with \`git checkout data/paper\`.`);
  }
}
