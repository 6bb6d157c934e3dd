/** Predictions as a parquet table: one row a task, method and adapter. */
import { readFileSync } from 'node:fs';
import { parquetReadObjects } from 'hyparquet';
import { type BasicType, parquetWriteBuffer } from 'hyparquet-writer';
import { writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import type { Prediction } from './types.js';

const columns: [name: string, field: keyof Prediction, type: BasicType][] = [
  ['task_id', 'taskId', 'STRING'], ['repo_id', 'repo', 'STRING'], ['track', 'track', 'STRING'], ['suite', 'suite', 'STRING'],
  ['commit_index', 'commitIndex', 'INT32'], ['method', 'method', 'STRING'],
  ['adapter', 'adapter', 'STRING'], ['seed', 'seed', 'INT32'], ['target', 'target', 'STRING'],
  ['prediction', 'prediction', 'STRING'], ['strict_em', 'strictEM', 'BOOLEAN'], ['relaxed_em', 'relaxedEM', 'BOOLEAN'],
  ['edit_similarity', 'editSimilarity', 'DOUBLE'], ['codebleu', 'codeBleu', 'DOUBLE'],
];

/** The bytes of the file: the same for the same predictions. */
export function predictionsTable(predictions: readonly Prediction[]): Uint8Array {
  const columnData = columns.map(([name, field, type]) => ({ name, type, nullable: false, data: predictions.map((p) => p[field]) }));
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

export const writePredictions = (path: string, predictions: readonly Prediction[]): void => writeFileAtomic(path, predictionsTable(predictions));

/** Throws a UserError that names the file when it is not such a table. */
export async function readPredictions(path: string): Promise<Prediction[]> {
  const bytes = new Uint8Array(readFileSync(path));
  try {
    const rows = await parquetReadObjects({ file: bytes.buffer });
    return rows.map((row) => Object.fromEntries(columns.map(([name, field]) => [field, row[name]])) as unknown as Prediction);
  } catch (error) {
    throw new UserError(`${path} is not a table of predictions (${(error as Error).message}): delete it and run again.`);
  }
}
