/**
 * Rows of a parquet table, page by page: published tables may hold gigabytes in one row group, so what is in memory is
 * one page of each column. Reads what pyarrow, duckdb and this project write.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { type Compressors, type DecodedArray, parquetMetadata, parquetSchema, type RowGroup, type SchemaTree } from 'hyparquet';
import { assembleNested } from 'hyparquet/src/assemble.js';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert, DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { getTreePath } from 'hyparquet/src/schema.js';
import { compressors as known } from 'hyparquet-compressors';
import { reasonOf, UserError } from '../../store/errors.js';
import type { ColumnType } from './columns.js';
import { unpackedPage } from './page.js';

/** What a cell may be read as: the types of the dataset's columns, and of tables of results. */
export type CellType = ColumnType | 'double' | 'boolean';

/** One row: its columns by name. Nulls and columns that the file does not have are undefined. */
export interface Row {
  [column: string]: string | number | boolean | Float32Array | undefined;
}

// Node's own where it has one: it is faster.
const compressors: Compressors = { ...known, GZIP: (bytes) => gunzipSync(bytes), BROTLI: (bytes) => brotliDecompressSync(bytes) };
const CODECS = ['UNCOMPRESSED', 'SNAPPY', ...Object.keys(compressors)];

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
// hyparquet's own decoder drops a byte order mark, which is part of the text here.
const parsers = { ...DEFAULT_PARSERS, stringFromBytes: (bytes: Uint8Array | undefined) => bytes && utf8.decode(bytes) };

/**
 * @param columns what to read; other columns of the file are passed over
 * @param required names of columns that must be there and hold no nulls
 * @throws UserError that names the file and the column, when it is not such a table, or not whole
 */
export function* readTable(
  path: string, columns: readonly { name: string; type: CellType }[], required: readonly string[],
): Generator<Row> {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const read = (from: number, length: number) => readExactly(file, from, length, size);
    const metadata = parquetMetadata(footer(read, size), { geoparquet: false });
    const tree = parquetSchema(metadata);
    const found = new Map(tree.children.map((node) => [node.element.name, node]));
    const missing = required.filter((name) => !found.has(name));
    if (missing.length) {
      throw new UserError(`${path} has no column ${missing.join(', ')}: it is not this table of the benchmark, fetch or make it again.`);
    }
    const wanted = columns.filter(({ name }) => found.has(name));
    for (const group of metadata.row_groups) {
      const cursors = wanted.map((column) =>
        new Cursor(path, column, required.includes(column.name), pages(path, read, group, tree, found.get(column.name)!)));
      for (let i = 0; i < Number(group.num_rows); i++) {
        const row: Row = {};
        for (const cursor of cursors) row[cursor.column.name] = cursor.next();
        yield row;
      }
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path} is not a whole parquet file (${reasonOf(error)}): fetch or make it again.`);
  } finally {
    closeSync(file);
  }
}

type Read = (from: number, length: number) => Uint8Array;

function readExactly(file: number, from: number, length: number, size: number): Uint8Array {
  if (!(from >= 0 && length >= 0 && from + length <= size)) throw new Error('it ends early');
  const bytes = new Uint8Array(length);
  for (let got = 0; got < length;) {
    const n = readSync(file, bytes, got, length - got, from + got);
    if (!n) throw new Error('it ends early');
    got += n;
  }
  return bytes;
}

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The metadata at the end of the file, with its length and the mark. */
function footer(read: Read, size: number): Uint8Array {
  if (size < 12) throw new Error('it is too short');
  const end = read(size - 8, 8);
  if (utf8.decode(end.subarray(4)) !== 'PAR1') throw new Error('it does not end as one');
  const length = view(end).getUint32(0, true) + 8;
  return read(size - length, length);
}

/** The values of one column of a row group, a page at a time: strings, numbers, or arrays of numbers. */
function* pages(path: string, read: Read, group: RowGroup, tree: SchemaTree, node: SchemaTree): Generator<DecodedArray> {
  const name = node.element.name;
  const meta = group.columns.find((chunk) => chunk.meta_data?.path_in_schema[0] === name)?.meta_data;
  if (!meta) throw new Error(`column ${name} has no data`);
  if (!CODECS.includes(meta.codec)) {
    throw new UserError(`${path} is compressed with ${meta.codec} (column ${name}), which is not read here: write it again with zstd, snappy or gzip.`);
  }
  const schemaPath = getTreePath(tree, meta.path_in_schema);
  const decoder = {
    pathInSchema: meta.path_in_schema, type: meta.type, element: schemaPath.at(-1)!.element, schemaPath, codec: meta.codec, parsers, compressors,
  };
  const nested = schemaPath.length > 2;
  const rowsOf = (values: DecodedArray) => {
    if (!nested) return values;
    const columns = new Map([[meta.path_in_schema.join('.'), values]]);
    assembleNested(columns, node, parsers);
    return columns.get(name) ?? [];
  };
  let at = Number(meta.dictionary_page_offset || meta.data_page_offset);
  const end = at + Number(meta.total_compressed_size);
  let dictionary: DecodedArray | undefined;
  // A row of a list may go on in the next page, so the last row of a page waits for it.
  let open: unknown[] = [];
  while (at < end) {
    const { header: packed, length } = pageHeader(read, at, end);
    const body = read(at + length, packed.compressed_page_size);
    at += length + packed.compressed_page_size;
    if (packed.type === 'INDEX_PAGE') continue;
    const { bytes, header } = unpackedPage(body, packed, decoder);
    const { data } = readPage({ view: view(bytes), offset: 0 }, { ...header, compressed_page_size: bytes.length }, { ...decoder, codec: 'UNCOMPRESSED' }, dictionary, nested ? open : undefined, 0);
    if (!data) continue;
    if (header.type === 'DICTIONARY_PAGE') {
      dictionary = convert(data, decoder);
    } else if (nested) {
      open = [data[data.length - 1]];
      yield rowsOf(data.slice(0, -1));
    } else {
      yield data;
    }
  }
  if (open.length) yield rowsOf(open);
}

/** A page's header is as long as the statistics in it: a longer piece is read when the first does not hold it. */
function pageHeader(read: Read, at: number, end: number) {
  for (let window = 1 << 12; ; window *= 16) {
    const reader = { view: view(read(at, Math.min(window, end - at))), offset: 0 };
    try {
      const header = parquetHeader(reader);
      return { header, length: reader.offset };
    } catch (error) {
      if (window >= end - at) throw error;
    }
  }
}

/** One column of a row group, value by value. */
class Cursor {
  #values: DecodedArray = [];
  #at = 0;

  constructor(
    readonly path: string, readonly column: { name: string; type: CellType }, readonly required: boolean, readonly pages: Iterator<DecodedArray>,
  ) {}

  next(): Row[string] {
    while (this.#at >= this.#values.length) {
      const { value, done } = this.pages.next();
      if (done) throw new Error(`column ${this.column.name} has too few values`);
      this.#values = value;
      this.#at = 0;
    }
    const value: unknown = this.#values[this.#at++];
    if (value === null || value === undefined) {
      if (this.required) throw new UserError(`${this.path} has an empty value in column ${this.column.name}: fetch or make it again.`);
      return undefined;
    }
    const { type } = this.column;
    if (type === 'string' && typeof value === 'string') return value;
    // pandas writes 64-bit integers.
    if (type === 'int32' && (typeof value === 'number' || typeof value === 'bigint')) return Number(value);
    if (type === 'double' && typeof value === 'number') return value;
    if (type === 'boolean' && typeof value === 'boolean') return value;
    if (type === 'halves' && Array.isArray(value)) return Float32Array.from(value, (x: number | null) => x ?? NaN);
    throw new UserError(`${this.path} has another type in column ${this.column.name} than it should have: fetch or make it again.`);
  }
}
