/**
 * A parquet table written row group by row group, so that memory does not grow with it. The file stands beside its
 * target until `publish`; the same rows give the same bytes.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { type Column, schemaOf } from './columns.js';
import { halves } from './halves.js';

/** A row group ends at either: rows of many tables are short, prefixes and diffs are not. */
const GROUP_ROWS = 5_000, GROUP_BYTES = 8 << 20;
/** What the encoder needs for one value of a vector on its way to two bytes, about. */
const HALF_BYTES = 16;
type Value = ReturnType<Column<unknown>['of']>;

export class TableWriter<T> {
  readonly #temporary: string;
  readonly #file: number;
  readonly #writer: ParquetWriter;
  #open = true;
  #values: Value[][];
  #bytes = 0;

  constructor(readonly path: string, readonly columns: readonly Column<T>[]) {
    this.#temporary = `${path}.${process.pid}.tmp`;
    this.#values = columns.map(() => []);
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(this.#temporary, 'w');
    this.#writer = new ParquetWriter({ writer: new FileWriter(this.#file), schema: schemaOf(columns, false), statistics: false });
  }

  add(item: T): void {
    this.columns.forEach((column, i) => {
      const value = column.of(item);
      this.#values[i]!.push(value);
      this.#bytes += typeof value === 'string' ? value.length : value instanceof Float32Array ? value.length * HALF_BYTES : 4;
    });
    if (this.#values[0]!.length >= GROUP_ROWS || this.#bytes >= GROUP_BYTES) this.#writeGroup();
  }

  /** Completes the file on disk, still beside its target. */
  finish(): void {
    if (this.#values[0]!.length) this.#writeGroup();
    this.#writer.schema = schemaOf(this.columns);
    this.#writer.finish();
    fsyncSync(this.#file);
    this.#close();
  }

  /** Moves a finished file to its place. */
  publish(): void {
    renameSync(this.#temporary, this.path);
  }

  /** Leaves nothing of a table that is not published. */
  abort(): void {
    this.#close();
    rmSync(this.#temporary, { force: true });
  }

  #writeGroup(): void {
    const rows = this.#values[0]!.length;
    const columnData = this.columns.map(({ name, type }, i) => {
      const data = this.#values[i]!;
      // A dictionary or compression of half floats does not pay.
      return type === 'halves'
        ? { name, encoding: 'PLAIN' as const, codec: 'UNCOMPRESSED' as const, data: data.map((vector) => vector && halves(vector as Float32Array)) }
        : { name, data };
    });
    this.#values = this.columns.map(() => []);
    this.#bytes = 0;
    this.#writer.write({ columnData, rowGroupSize: rows });
  }

  #close(): void {
    if (this.#open) closeSync(this.#file);
    this.#open = false;
  }
}

/** Bytes that go to an open file whenever the parquet writer ends a row group. */
class FileWriter extends ByteWriter {
  constructor(readonly file: number) {
    super();
  }

  flush(): void {
    const bytes = this.getBytes();
    for (let written = 0; written < bytes.length;) written += writeSync(this.file, bytes, written);
    this.index = 0;
  }

  override finish(): void {
    this.flush();
  }
}
