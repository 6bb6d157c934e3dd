/** The paper's own numbers (data/paper/tables.json), shown beside ours. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { reasonOf, UserError } from '../store/errors.js';

/** Exact match in percent (the paper's relaxed matching); similarities in [0, 1]. */
export interface PublishedScores {
  EM: number;
  EditSim: number;
  CodeBLEU: number;
}

export interface PublishedRow {
  method: string;
  /** `null` where the method cannot be applied: Per-repo LoRA to unseen repositories. */
  CR: PublishedScores | null;
  IR: PublishedScores | null;
}

/** A row of Table 12. A range is two numbers; an absent size is none, or told in words. */
export interface PublishedCost {
  method: string;
  extra_tokens: number | [number, number];
  approx?: true;
  extra_storage_MB?: number;
  extra_storage_MB_per_repo?: number;
}

/** Tables 2 (static track), 3 (evolution track), 4 (OOD), 8 (retrieval), 10 (repositories), 11 (dependencies) and 12 (efficiency), and the numbers told with Figures 6 and 12. */
export interface PublishedResults {
  table2: { rows: PublishedRow[] };
  table3: { rows: PublishedRow[] };
  table4: { rows: ({ method: string } & PublishedScores)[] };
  table8: { rows: { method: string; chunk_tokens: number; k: number; CR: PublishedScores; IR: PublishedScores }[] };
  table10: { rows: { repos: number; EM: number }[] };
  table11: { partition: { with_DRC: { percent: number } }; rows: { method: string; with: number; without: number }[] };
  table12: { rows: PublishedCost[] };
  figure_numbers: {
    /** Percent, by the figure's own short names of methods. */
    fig6_per_repo_IR_median_EM: Record<string, number>;
    fig6_sigma: Record<string, number>;
    fig6_percent_repos_below_pretrained: Record<string, number>;
    /** `total`, and for each kind of error its count and its share in percent. */
    fig12_errors: Record<string, number | [number, number]>;
  };
}

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

/** Reads the published results. Throws a UserError when the file is missing or is not what it should be. */
export function readPublished(path: string = shipped): PublishedResults {
  return read<PublishedResults>(path, ['table2', 'table3', 'table4', 'table8', 'table10', 'table11', 'table12', 'figure_numbers']);
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
    throw new UserError(`Cannot read the paper's tables at ${path} (${reasonOf(error)}): restore it with \`git checkout data/paper\`.`);
  }
}
