/**
 * Where the entries of a zip lie, from its central directory (APPNOTE 4.3-4.5, zip64 too, as checkpoints pass 4 GB).
 * torch.save stores its entries and never compresses them, so a compressed one is refused: there is no bomb to defuse.
 * Checksums are not compared: torch can save without them, and files that are fetched are checked as a whole.
 */
import type { BinaryFile } from '../binary-file.js';
import { UserError } from '../errors.js';

export interface ZipEntry {
  /** First byte of the content, from the start of the file. */
  from: number;
  size: number;
}

const END = 0x06054b50, END64 = 0x06064b50, LOCATOR64 = 0x07064b50, CENTRAL = 0x02014b50, LOCAL = 0x04034b50;
/** Said in place of a number that only the zip64 fields can hold. */
const IN_ZIP64 = 0xffffffff;
/** Bytes of a directory: some hundred thousand entries. */
const MAX_DIRECTORY = 1 << 24;

/**
 * Every entry by its name. Each lies within the file, is stored as it is, and shares no byte with another.
 * Throws a UserError that says what does not fit.
 */
export function zipEntries(file: BinaryFile): Map<string, ZipEntry> {
  const wrong = (why: string) => new UserError(`${file.path} is not a whole checkpoint: ${why}. Fetch it again.`);
  const directory = findDirectory(file, wrong);
  const bytes = file.bytes(directory.from, directory.size);
  const entries = new Map<string, ZipEntry>();
  const claimed: { name: string; from: number; to: number }[] = [];
  let at = 0;
  for (let i = 0; i < directory.count; i++) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== CENTRAL) throw wrong('its directory ends early');
    const flags = bytes.readUInt16LE(at + 8), method = bytes.readUInt16LE(at + 10);
    const nameLength = bytes.readUInt16LE(at + 28), extraLength = bytes.readUInt16LE(at + 30);
    const next = at + 46 + nameLength + extraLength + bytes.readUInt16LE(at + 32);
    if (next > bytes.length) throw wrong('its directory ends early');
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength);
    const shown = JSON.stringify(name.slice(0, 80));
    if (entries.has(name)) throw wrong(`it has ${shown} twice`);
    if (flags & 1) throw wrong(`${shown} is encrypted`);
    if (method !== 0) throw wrong(`${shown} is compressed, which torch.save never does`);

    const extra = zip64Numbers(bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength));
    const [size, stored, local] = [24, 20, 42].map((field) => {
      const short = bytes.readUInt32LE(at + field);
      return short === IN_ZIP64 ? extra.shift() ?? short : short;
    }) as [number, number, number];
    if (size !== stored) throw wrong(`${shown} has two sizes, ${stored} and ${size} bytes`);
    if (local + 30 + nameLength > directory.from) throw wrong(`${shown} lies outside the file`);

    const header = file.bytes(local, 30 + nameLength);
    const sameName = header.readUInt16LE(26) === nameLength && header.compare(bytes, at + 46, at + 46 + nameLength, 30) === 0;
    if (header.readUInt32LE(0) !== LOCAL || !sameName || header.readUInt16LE(8) !== 0) {
      throw wrong(`${shown} is something else where it lies`);
    }
    // An entry written as a stream says its size after its content, and 0 before it.
    const before = header.readUInt32LE(22);
    if (before !== size && before !== IN_ZIP64 && !(before === 0 && flags & 8)) {
      throw wrong(`${shown} has two sizes, ${before} and ${size} bytes`);
    }
    const from = local + 30 + nameLength + header.readUInt16LE(28);
    if (from + size > directory.from) throw wrong(`${shown} lies outside the file`);
    entries.set(name, { from, size });
    claimed.push({ name, from: local, to: from + size });
    at = next;
  }
  if (at !== bytes.length) throw wrong('its directory is longer than its entries');
  claimed.sort((a, b) => a.from - b.from);
  claimed.forEach(({ name, from }, i) => {
    if (i && from < claimed[i - 1]!.to) throw wrong(`${JSON.stringify(name.slice(0, 80))} overlaps another entry`);
  });
  return entries;
}

/** The directory ends where its end record begins; that record is the last thing in the file. */
function findDirectory(file: BinaryFile, wrong: (why: string) => UserError): { from: number; size: number; count: number } {
  const tailFrom = Math.max(0, file.size - 22 - 0xffff);
  const tail = file.bytes(tailFrom, file.size - tailFrom);
  let end = tail.length - 22;
  while (end >= 0 && !(tail.readUInt32LE(end) === END && end + 22 + tail.readUInt16LE(end + 20) === tail.length)) end--;
  if (end < 0) throw wrong('its end is missing');
  let [count, size, from] = [tail.readUInt16LE(end + 10), tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  let record = tailFrom + end;
  if (record >= 20 + 56 && file.bytes(record - 20, 4).readUInt32LE() === LOCATOR64) {
    const at = uint64(file.bytes(record - 20, 20), 8);
    if (at + 56 > record - 20) throw wrong('its end lies outside the file');
    const end64 = file.bytes(at, 56);
    if (end64.readUInt32LE() !== END64) throw wrong('its end is damaged');
    const long: [number, number, number] = [uint64(end64, 32), uint64(end64, 40), uint64(end64, 48)];
    const agrees = [count, size, from].every((short, i) => short === long[i] || short === (i ? IN_ZIP64 : 0xffff));
    if (!agrees) throw wrong('it has two directories');
    [count, size, from] = long;
    record = at;
  }
  if (from + size !== record) throw wrong('its directory is not where its end says');
  if (size > MAX_DIRECTORY) throw wrong(`its directory has ${size} bytes`);
  return { from, size, count };
}

/** The 8-byte numbers of the zip64 extra field: those of size, stored size and offset that the entry itself cannot hold. */
function zip64Numbers(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length;) {
    const length = extra.readUInt16LE(at + 2);
    const field = extra.subarray(at + 4, at + 4 + length);
    if (extra.readUInt16LE(at) === 1) return Array.from({ length: field.length >> 3 }, (_, i) => uint64(field, 8 * i));
    at += 4 + length;
  }
  return [];
}

/** Beyond 2^53 inexact, which no comparison with the size of a real file minds. */
function uint64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}
