/**
 * Text files out of a wheel, zip or .tar.gz, in memory: no member is ever written to disk or run.
 * An archive is untrusted: members with names or sizes that could do harm are refused and counted by reason;
 * an archive that is not whole is an error.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { crc32, gunzipSync, inflateRawSync } from 'node:zlib';
import { UserError } from '../store/errors.js';
import { foldPath, type NameFault, plainPath } from './file-names.js';
import type { SourceFile } from './types.js';

export interface ArchiveLimits {
  /** Largest text file kept, in bytes. */
  file: number;
  /** Most bytes an archive may unpack to: its text files (zip), all of it (.tar.gz). */
  total: number;
}
const LIMITS: ArchiveLimits = { file: 2_000_000, total: 512 * 1024 * 1024 };

export type Refusal =
  | NameFault
  | 'link' | 'special file' | 'duplicate or case-clashing name'
  | 'too large' | 'longer than it declares' | 'encrypted' | 'unknown compression' | 'not .py, .md or .rst';

export interface ArchiveContent {
  /** In the order of the archive; paths are relative, with forward slashes. */
  files: SourceFile[];
  /** How many members were left out, by reason. Folders are not members. */
  refused: Partial<Record<Refusal, number>>;
}

/** One member before it is judged. `read` unpacks it, or says why not. */
interface Member {
  name: string;
  kind: 'file' | 'folder' | 'link' | 'special file';
  size: number;
  read: () => Uint8Array | Refusal;
}

/**
 * Reads every .py, .md and .rst file of an archive.
 * @throws UserError naming the archive when it is truncated, corrupt, of an unknown kind, or unpacks to too much.
 */
export function readArchive(path: string, limits: ArchiveLimits = LIMITS): ArchiveContent {
  const bytes = readFileSync(path);
  const unusable = (why: string) =>
    new UserError(`${basename(path)} ${why}: if it is not as it was published, delete ${path} and run again, it will be fetched anew; else leave it out of the corpus.`);
  const tooMuch = () => new UserError(`${basename(path)} unpacks to more than ${limits.total} bytes: it is not read.`);
  try {
    if (/\.(whl|zip)$/i.test(path)) return collect(zipMembers(bytes), limits, tooMuch);
    if (/\.(tar\.gz|tgz)$/i.test(path)) return collect(tarMembers(gunzipSync(bytes, { maxOutputLength: limits.total })), limits, tooMuch);
  } catch (error) {
    if (error instanceof UserError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooMuch();
    throw unusable('is truncated or corrupt');
  }
  throw new UserError(`${path} is no .whl, .zip or .tar.gz archive: give one of these.`);
}

/**
 * One member of a zip or wheel, whatever it is.
 * @param most bytes that it may unpack to
 * @throws UserError when it is not there, larger, or damaged
 */
export function readMember(path: string, member: string, most: number): Uint8Array {
  const found = (() => {
    try {
      for (const { name, kind, size, read } of zipMembers(readFileSync(path))) {
        if (name === member) return kind !== 'file' ? kind : size > most ? 'too large' : read();
      }
      return 'absent';
    } catch {
      return 'damaged';
    }
  })();
  if (typeof found !== 'string') return found;
  throw new UserError(`${basename(path)} has no use: its ${member} is ${found}. Delete ${path} and run again, it will be fetched anew.`);
}

function collect(members: Iterable<Member>, limits: ArchiveLimits, tooMuch: () => UserError): ArchiveContent {
  const files: SourceFile[] = [];
  const refused: ArchiveContent['refused'] = {};
  const seen = new Set<string>();
  let total = 0;
  for (const member of members) {
    if (member.kind === 'folder') continue;
    const result = judge(member, seen, limits);
    if (typeof result === 'string') {
      refused[result] = (refused[result] ?? 0) + 1;
      continue;
    }
    total += result.bytes.length;
    if (total > limits.total) throw tooMuch();
    files.push(result);
  }
  return { files, refused };
}

function judge(member: Member, seen: Set<string>, limits: ArchiveLimits): SourceFile | Refusal {
  const { name, kind, size } = member;
  const plain = plainPath(name);
  if ('fault' in plain) return plain.fault;
  if (kind === 'link' || kind === 'special file') return kind;
  const { path } = plain;
  if (!/\.(py|md|rst)$/.test(path)) return 'not .py, .md or .rst';
  const key = foldPath(path);
  if (seen.has(key)) return 'duplicate or case-clashing name';
  seen.add(key);
  if (size > limits.file) return 'too large';
  const bytes = member.read();
  return typeof bytes === 'string' ? bytes : { path, bytes };
}

/** Where a zip's list of members begins, how many it has, and how many bytes stand before the zip itself (a script, in some). */
interface Directory {
  at: number;
  count: number;
  before: number;
}

const END = 'PK\x05\x06', MEMBER = 0x02014b50, END64 = 0x06064b50, LOCATOR64 = 0x07064b50;

/**
 * The end record stands last but for a comment, which may hold anything, the mark of an end record too: of all marks the
 * last is taken whose comment ends where the file does, else the last one behind a list of members.
 */
function directoryOf(zip: Buffer): Directory {
  let found: Directory | undefined;
  const least = Math.max(0, zip.length - 22 - 65_536);
  for (let end = zip.lastIndexOf(END, undefined, 'latin1'); end >= least; end = end ? zip.lastIndexOf(END, end - 1, 'latin1') : -1) {
    if (end + 22 > zip.length) continue;
    const directory = directoryAt(zip, end);
    if (!directory) continue;
    if (end + 22 + zip.readUInt16LE(end + 20) === zip.length) return directory;
    found ??= directory;
  }
  if (!found) throw new Error('no end of central directory');
  return found;
}

/** As the end record at `end` says; undefined where no list stands there. */
function directoryAt(zip: Buffer, end: number): Directory | undefined {
  let count = zip.readUInt16LE(end + 10), size = zip.readUInt32LE(end + 12), offset = zip.readUInt32LE(end + 16), last = end;
  if ((count === 0xffff || size === 0xffffffff || offset === 0xffffffff) && end >= 76 && zip.readUInt32LE(end - 20) === LOCATOR64 && zip.readUInt32LE(end - 76) === END64) {
    last = end - 76;
    [count, size, offset] = [32, 40, 48].map((field) => Number(zip.readBigUInt64LE(last + field))) as [number, number, number];
  }
  const at = last - size;
  if (at < offset || (count > 0 && (at + 4 > zip.length || zip.readUInt32LE(at) !== MEMBER))) return undefined;
  return { at, count, before: at - offset };
}

/** Values of the zip64 extra field (APPNOTE 4.5.3): those of size, packed size and offset that stand as all ones before it. */
function wide(extra: Buffer, values: readonly [number, number, number]): [number, number, number] {
  let at = 0;
  for (; at + 4 <= extra.length && extra.readUInt16LE(at) !== 1;) at += 4 + extra.readUInt16LE(at + 2);
  at += 4;
  return values.map((value) => {
    if (value !== 0xffffffff || at + 8 > extra.length) return value;
    at += 8;
    return Number(extra.readBigUInt64LE(at - 8));
  }) as [number, number, number];
}

/** The members a zip's central directory lists (APPNOTE 4.3-4.5), zip64 among them. */
function* zipMembers(zip: Buffer): Generator<Member> {
  const { at: first, count, before } = directoryOf(zip);
  let at = first;
  for (let i = 0; i < count; i++) {
    if (zip.readUInt32LE(at) !== MEMBER) throw new Error('bad central directory');
    const madeBy = zip.readUInt8(at + 5);
    const flags = zip.readUInt16LE(at + 8);
    const method = zip.readUInt16LE(at + 10);
    const crc = zip.readUInt32LE(at + 16);
    const nameLength = zip.readUInt16LE(at + 28), extraLength = zip.readUInt16LE(at + 30);
    const [size, packed, offset] = wide(slice(zip, at + 46 + nameLength, extraLength), [zip.readUInt32LE(at + 24), zip.readUInt32LE(at + 20), zip.readUInt32LE(at + 42)]);
    const unixType = madeBy === 3 ? (zip.readUInt16LE(at + 40) & 0o170000) : 0;
    const local = offset + before;
    const name = text(zip, at + 46, nameLength);
    yield {
      name,
      kind: unixType === 0o120000 ? 'link'
        : name.endsWith('/') ? 'folder'
        : unixType === 0 || unixType === 0o100000 ? 'file' : 'special file',
      size,
      read: () => {
        if (flags & 1) return 'encrypted';
        if (method !== 0 && method !== 8) return 'unknown compression';
        if (zip.readUInt32LE(local) !== 0x04034b50) throw new Error('bad local header');
        const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
        const data = slice(zip, start, packed);
        // Never inflate past what the member declares: a bomb stops here.
        const bytes = method === 0 ? data : inflateUpTo(data, size);
        if (bytes === undefined || bytes.length > size) return 'longer than it declares';
        if (bytes.length < size || crc32(bytes) !== crc) throw new Error('bad checksum');
        return bytes;
      },
    };
    at += 46 + nameLength + extraLength + zip.readUInt16LE(at + 32);
  }
}

function inflateUpTo(data: Buffer, size: number): Buffer | undefined {
  try {
    return inflateRawSync(data, { maxOutputLength: Math.max(1, size) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw error;
  }
}

/** The members of a tar: ustar, with the long names of pax and GNU tar. */
function* tarMembers(tar: Buffer): Generator<Member> {
  let longName: string | undefined;
  let longSize: number | undefined;
  let at = 0;
  for (; at + 512 <= tar.length && tar[at] !== 0;) {
    checkTarHeader(tar, at);
    const size: number = longSize ?? octal(tar, at + 124, 12);
    const type = String.fromCharCode(tar[at + 156] ?? 0);
    const data = slice(tar, at + 512, size);
    if (type === 'L') {
      longName = text(data, 0, size).replace(/\0.*$/s, '');
    } else if (type === 'x') {
      const record = pax(data);
      longName = record.get('path') ?? longName;
      longSize = record.has('size') ? Number(record.get('size')) : undefined;
    } else if (type !== 'g' && type !== 'K') {
      const prefix = text(tar, at + 257, 5) === 'ustar' ? field(tar, at + 345, 155) : '';
      const short = field(tar, at, 100);
      const name = longName ?? (prefix ? `${prefix}/${short}` : short);
      yield {
        name,
        kind: type === '1' || type === '2' ? 'link'
          : type === '5' || name.endsWith('/') ? 'folder'
          : type === '0' || type === '\0' ? 'file' : 'special file',
        size,
        read: () => data,
      };
      longName = longSize = undefined;
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  // A whole tar ends in blocks of zeros; without one, its end is missing.
  if (at + 512 > tar.length) throw new Error('no end of archive');
}

function checkTarHeader(tar: Buffer, at: number): void {
  let sum = 8 * 32;
  for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += tar[at + i] ?? 0;
  if (sum !== octal(tar, at + 148, 8)) throw new Error('bad header checksum');
}

/** `<length> <key>=<value>\n` records; the length counts bytes, itself included. */
function pax(data: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at);
    const length = space < 0 ? NaN : Number(data.toString('latin1', at, space));
    if (!(length > space - at)) throw new Error('bad pax record');
    const [key, ...value] = text(data, space + 1, at + length - space - 2).split('=');
    records.set(key ?? '', value.join('='));
    at += length;
  }
  return records;
}

function octal(bytes: Buffer, at: number, length: number): number {
  const digits = field(bytes, at, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw new Error('bad number');
  return parseInt(digits || '0', 8);
}

function field(bytes: Buffer, at: number, length: number): string {
  return text(bytes, at, length).replace(/\0.*$/s, '');
}

function text(bytes: Buffer, at: number, length: number): string {
  return slice(bytes, at, length).toString('utf8');
}

function slice(bytes: Buffer, at: number, length: number): Buffer {
  if (!(length >= 0) || at + length > bytes.length) throw new Error('truncated');
  return bytes.subarray(at, at + length);
}
