/** Predictions and likelihoods as parquet tables: one row a task, method and adapter. */
import { parquetWriteBuffer } from 'hyparquet-writer';
import { type CellType, readTable } from '../data/dataset/table-reader.js';
import { writeFileAtomic } from '../store/atomic.js';
import type { Answered, Likelihood, Prediction } from './types.js';

/** How parquet's types are read. */
const TYPES = { STRING: 'string', INT32: 'int32', DOUBLE: 'double', BOOLEAN: 'boolean' } as const satisfies Record<string, CellType>;

/** `optional`: a table need not have the column. */
interface Column<Row> {
  name: string;
  field: keyof Row & string;
  type: keyof typeof TYPES;
  optional?: true;
}
const answered: Column<Answered>[] = [
  { name: 'task_id', field: 'taskId', type: 'STRING' }, { name: 'repo_id', field: 'repo', type: 'STRING' },
  { name: 'track', field: 'track', type: 'STRING' }, { name: 'suite', field: 'suite', type: 'STRING' },
  { name: 'commit_index', field: 'commitIndex', type: 'INT32' }, { name: 'method', field: 'method', type: 'STRING' },
  { name: 'adapter', field: 'adapter', type: 'STRING' }, { name: 'seed', field: 'seed', type: 'INT32' },
];
const nats: Column<Likelihood>[] = [
  { name: 'target_nats', field: 'targetNats', type: 'DOUBLE' }, { name: 'target_tokens', field: 'targetTokens', type: 'INT32' },
  { name: 'eos_nats', field: 'eosNats', type: 'DOUBLE' },
];
const predictionColumns: Column<Prediction>[] = [
  ...answered, { name: 'target', field: 'target', type: 'STRING' }, { name: 'prediction', field: 'prediction', type: 'STRING' },
  { name: 'strict_em', field: 'strictEM', type: 'BOOLEAN' }, { name: 'relaxed_em', field: 'relaxedEM', type: 'BOOLEAN' },
  { name: 'edit_similarity', field: 'editSimilarity', type: 'DOUBLE' }, { name: 'codebleu', field: 'codeBleu', type: 'DOUBLE' },
  ...nats.map((column) => ({ ...column, optional: true as const })),
];
const likelihoodColumns: Column<Likelihood>[] = [...answered, ...nats];

/** The bytes of the file: the same for the same rows. */
function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): Uint8Array {
  const held = columns.filter(({ field, optional }) => !optional || rows.every((row) => row[field] !== undefined));
  const columnData = held.map(({ name, field, type }) => ({ name, type, nullable: false, data: rows.map((row) => row[field]) }));
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

async function read<Row>(path: string, columns: readonly Column<Row>[]): Promise<Row[]> {
  const typed = columns.map(({ name, type }) => ({ name, type: TYPES[type] })), required = columns.filter(({ optional }) => !optional).map(({ name }) => name);
  return Array.from(readTable(path, typed, required), (row) => Object.fromEntries(columns.flatMap(({ name, field }) => (row[name] === undefined ? [] : [[field, row[name]]]))) as unknown as Row);
}

export const predictionsTable = (predictions: readonly Prediction[]): Uint8Array => table(predictions, predictionColumns);
export const writePredictions = (path: string, predictions: readonly Prediction[]): void => writeFileAtomic(path, predictionsTable(predictions));
/** Throws a UserError that names the file when it is not such a table. */
export const readPredictions = (path: string): Promise<Prediction[]> => read(path, predictionColumns);

export const likelihoodsTable = (rows: readonly Likelihood[]): Uint8Array => table(rows, likelihoodColumns);
export const writeLikelihoods = (path: string, rows: readonly Likelihood[]): void => writeFileAtomic(path, likelihoodsTable(rows));
/** As readPredictions. */
export const readLikelihoods = (path: string): Promise<Likelihood[]> => read(path, likelihoodColumns);
