/**
 * A page of a parquet column, unpacked and checked before it is decoded: a few bytes may claim runs of billions of values, which
 * the decoder would write one by one.
 */
import type { PageHeader } from 'hyparquet';
import type { readPage } from 'hyparquet/src/column.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from 'hyparquet/src/schema.js';

/** Far more than any writer puts into a page: its bytes, and values beyond one a bit, as runs of the same value are. */
const MOST_BYTES = 2 ** 29, MOST_REPEATED = 2 ** 23;

/**
 * The same page, unpacked, and its header for that.
 * @param bytes as they lie in the file, behind the header
 * @throws Error that says what is claimed
 */
export function unpackedPage(bytes: Uint8Array, header: PageHeader, decoder: Parameters<typeof readPage>[2]): { bytes: Uint8Array; header: PageHeader } {
  const { data_page_header: first, data_page_header_v2: second, dictionary_page_header: dictionary, uncompressed_page_size: size } = header;
  const values = first?.num_values ?? second?.num_values ?? dictionary?.num_values ?? 0;
  if (!(size >= 0 && size <= MOST_BYTES)) throw new Error(`a page claims ${size} bytes`);
  if (!(values >= 0 && values <= 8 * size + MOST_REPEATED)) throw new Error(`a page claims ${values} values`);
  const repetition = levelWidth(getMaxRepetitionLevel(decoder.schemaPath)), definition = levelWidth(getMaxDefinitionLevel(decoder.schemaPath));
  if (header.type === 'DATA_PAGE_V2' && second) {
    // Levels are not packed.
    const levels = second.repetition_levels_byte_length + second.definition_levels_byte_length, unpacked = size - levels;
    if (!(levels >= 0 && levels <= bytes.length && unpacked >= 0)) throw new Error(`a page claims ${levels} bytes of levels`);
    const data = second.is_compressed === false ? bytes.subarray(levels) : decompressPage(bytes.subarray(levels), unpacked, decoder.codec, decoder.compressors);
    const whole = new Uint8Array(levels + data.length);
    whole.set(bytes.subarray(0, levels));
    whole.set(data, levels);
    checkRuns(whole, 0, second.repetition_levels_byte_length, repetition, values);
    checkRuns(whole, second.repetition_levels_byte_length, levels, definition, values);
    checkValues(whole, levels, second.encoding, values);
    return { bytes: whole, header: { ...header, data_page_header_v2: { ...second, is_compressed: false } } };
  }
  const whole = decompressPage(bytes, size, decoder.codec, decoder.compressors);
  if (header.type === 'DATA_PAGE' && first) {
    const at = [repetition, definition].reduce((from, width) => (width ? checkSized(whole, from, width, values) : from), 0);
    checkValues(whole, at, first.encoding, values, decoder.type === 'BOOLEAN');
  }
  return { bytes: whole, header };
}

const levelWidth = (most: number): number => 32 - Math.clz32(most);

/** Indices of a dictionary, after a byte that says how wide they are; or booleans. */
function checkValues(bytes: Uint8Array, at: number, encoding: string, values: number, booleans = encoding === 'RLE'): void {
  if (!/^(RLE|PLAIN_DICTIONARY|RLE_DICTIONARY)$/.test(encoding)) return;
  if (booleans) checkSized(bytes, at, 1, values);
  else checkRuns(bytes, at + 1, bytes.length, bytes[at] ?? 0, values);
}

/** Runs behind their length in bytes. Returns where they end. */
function checkSized(bytes: Uint8Array, at: number, width: number, values: number): number {
  const end = at + 4 + new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at, true);
  checkRuns(bytes, at + 4, Math.min(end, bytes.length), width, values);
  return end;
}

/** Runs of one value, or of packed groups of eight (Parquet's RLE / bit-packing hybrid): none is longer than the page. */
function checkRuns(bytes: Uint8Array, at: number, end: number, width: number, values: number): void {
  for (let seen = 0; seen < values && at < end;) {
    let head = 0, shift = 0, byte: number;
    do {
      byte = bytes[at++] ?? 0;
      head += (byte & 0x7f) * 2 ** shift;
      shift += 7;
    } while (byte & 0x80 && shift < 35);
    const packed = head % 2 === 1, half = Math.floor(head / 2), count = packed ? 8 * half : half;
    if (byte & 0x80 || count > values + 7) throw new Error(`a run claims ${count} values, in a page of ${values}`);
    at += packed ? half * width : (width + 7) >> 3;
    seen += count;
  }
}
