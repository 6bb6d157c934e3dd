import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readArchive } from '../../lib/dist/data/archive.js';
import { UserError } from '../../lib/dist/store/errors.js';
import { tar, tarGz, zip } from './sources/archives.js';

const folder = mkdtempSync(join(tmpdir(), 'archive-'));
after(() => rmSync(folder, { recursive: true }));

function save(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}
const names = (path: string) => readArchive(path).files.map((file) => file.path);
const broken = (name: string) => (error: unknown) => error instanceof UserError && error.message.startsWith(`${name} is truncated or corrupt`);

test('a wheel and a tar.gz give their text files as they are', () => {
  const entries = [
    { name: 'pkg/', content: '' },
    { name: 'pkg/a.py', content: 'x = "é"\r\n' },
    { name: './pkg/README.md', content: '# Read' },
    { name: 'pkg/empty.rst', content: '' },
    { name: 'pkg/a.so', content: 'binary' },
  ];
  for (const path of [save('good.whl', zip(entries)), save('good.tar.gz', tarGz(entries))]) {
    const { files, refused } = readArchive(path);
    assert.deepEqual(files.map((file) => [file.path, Buffer.from(file.bytes).toString()]),
      [['pkg/a.py', 'x = "é"\r\n'], ['pkg/README.md', '# Read'], ['pkg/empty.rst', '']]);
    assert.deepEqual(refused, { 'not .py, .md or .rst': 1 });
  }
});

test('hostile names and links are refused and counted', () => {
  const entries = [
    { name: 'ok.py', content: 'ok' },
    { name: '../up.py', content: '' },
    { name: 'a/../../up.py', content: '' },
    { name: '/etc/x.py', content: '' },
    { name: 'C:/x.py', content: '' },
    { name: 'a\\..\\x.py', content: '' },
    { name: 'a\nb.py', content: '' },
    { name: 'OK.py', content: 'other' },
    { name: './ok.py', content: 'again' },
    { name: 'link.py', content: '/etc/passwd', mode: 0o120777, type: '2' },
  ];
  for (const path of [save('bad.zip', zip(entries)), save('bad.tar.gz', tarGz(entries))]) {
    const { files, refused } = readArchive(path);
    assert.deepEqual(files.map((file) => Buffer.from(file.bytes).toString()), ['ok']);
    assert.deepEqual(refused, {
      'path leaves the archive': 2, 'absolute path': 1, 'backslash or drive path': 2,
      'unreadable name': 1, 'duplicate or case-clashing name': 2, link: 1,
    });
  }
});

test('a device in a tar is a special file', () => {
  assert.deepEqual(readArchive(save('dev.tar.gz', tarGz([{ name: 'x.py', content: '', type: '3' }]))).refused, { 'special file': 1 });
});

test('long names of GNU tar and pax are followed', () => {
  const long = `${'deep/'.repeat(40)}a.py`;
  const record = (length: number) => `${length} path=${long}\n`;
  const pax = record(record(record(100).length).length);
  assert.deepEqual(names(save('gnu.tar.gz', tarGz([{ name: 'L', content: `${long}\0`, type: 'L' }, { name: 'a.py', content: '' }]))), [long]);
  assert.deepEqual(names(save('pax.tar.gz', tarGz([{ name: 'p', content: pax, type: 'x' }, { name: 'a.py', content: '' }]))), [long]);
});

test('bombs stop at the limits', () => {
  const zeros = Buffer.alloc(30_000_000);
  assert.deepEqual(readArchive(save('large.zip', zip([{ name: 'a.py', content: zeros }]))).refused, { 'too large': 1 });
  assert.deepEqual(readArchive(save('liar.zip', zip([{ name: 'a.py', content: zeros, claims: 10 }]))).refused, { 'longer than it declares': 1 });
  const limits = { file: 2_000_000, total: 3_000_000 };
  const many = [1, 2, 3].map((i) => ({ name: `${i}.py`, content: Buffer.alloc(1_900_000) }));
  for (const path of [save('many.zip', zip(many)), save('many.tar.gz', tarGz(many))])
    assert.throws(() => readArchive(path, limits), /many.* unpacks to more than 3000000 bytes/);
});

test('truncated and corrupt archives are named', () => {
  const entries = [{ name: 'a.py', content: 'print(1)\n'.repeat(1000) }, { name: 'b.py', content: 'b' }];
  const good = { 'x.zip': zip(entries), 'x.tar.gz': tarGz(entries) };
  for (const [name, bytes] of Object.entries(good))
    for (const part of [0, 0.3, 0.6, 0.95])
      assert.throws(() => readArchive(save(name, bytes.subarray(0, bytes.length * part))), broken(name));
  // Whole gzip around half a tar.
  assert.throws(() => readArchive(save('half.tar.gz', gzipSync(tar(entries).subarray(0, 2000)))), broken('half.tar.gz'));
  const flipped = zip([{ name: 'a.py', content: 'a = 1' }]);
  flipped.writeUInt8(flipped.readUInt8(36) ^ 0xff, 36);
  assert.throws(() => readArchive(save('flipped.zip', flipped)), broken('flipped.zip'));
  assert.throws(() => readArchive(save('x.rar', Buffer.from('x'))), /no \.whl, \.zip or \.tar\.gz archive/);
});

/** Zips as tools and people leave them, written by Python; each holds the two files that `plain` does. */
const ZIPS = `
import io, struct, sys, zipfile, zlib
out = sys.argv[1]
class Stream(io.RawIOBase):
    def __init__(self): self.data = b''
    def writable(self): return True
    def write(self, x): self.data += bytes(x); return len(x)
def make(target, comment=b'', force64=False, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(target, 'w', compression) as z:
        for i in range(2):
            with z.open(f'pkg/m{i}.py', 'w', force_zip64=force64) as f: f.write(b'x = %d\\n' % i * 50)
        z.comment = comment
def save(name, data):
    with open(f'{out}/{name}.whl', 'wb') as f: f.write(data)
make(f'{out}/plain.whl'); plain = open(f'{out}/plain.whl', 'rb').read()
make(f'{out}/comment.whl', b'made by hand'); make(f'{out}/mark-in-comment.whl', b'PK\\x05\\x06' + b'Z' * 18); make(f'{out}/local-zip64.whl', force64=True)
make(f'{out}/stored.whl', compression=zipfile.ZIP_STORED)
save('bytes-before', b'#!/usr/bin/env python3\\n' + plain); save('bytes-after', plain + b'\\n')
stream = Stream(); make(stream); save('streamed', stream.data)
def zip64(all_wide):
    body, directory = b'', b''
    for i in range(2):
        data, name = b'x = %d\\n' % i * 50, b'pkg/m%d.py' % i
        crc, wide = zlib.crc32(data), struct.pack('<HHQQ', 1, 16, len(data), len(data))
        header = struct.pack('<IHHHHHIIIHH', 0x04034b50, 45, 0, 0, 0, 0, crc, 0xffffffff, 0xffffffff, len(name), len(wide)) + name + wide + data
        at = struct.pack('<Q', len(body)) if all_wide else b''
        wide = struct.pack('<HHQQ', 1, 16 + len(at), len(data), len(data)) + at
        directory += struct.pack('<IHHHHHHIIIHHHHHII', 0x02014b50, 45, 45, 0, 0, 0, 0, crc, 0xffffffff, 0xffffffff, len(name), len(wide), 0, 0, 0, 0,
                                 0xffffffff if all_wide else len(body)) + name + wide
        body += header
    end = struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, 2, 2, len(directory), len(body), 0)
    if all_wide:
        end = (struct.pack('<IQHHIIQQQQ', 0x06064b50, 44, 45, 45, 0, 0, 2, 2, len(directory), len(body))
               + struct.pack('<IIQI', 0x07064b50, 0, len(body) + len(directory), 1)
               + struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0))
    return body + directory + end
save('central-zip64', zip64(False)); save('all-zip64', zip64(True))
for name in ('central-zip64', 'all-zip64'):
    with zipfile.ZipFile(f'{out}/{name}.whl') as z: assert z.testzip() is None and len(z.namelist()) == 2, name
`;

test('zips as tools and people leave them: comments, zip64, bytes before and after', () => {
  const out = mkdtempSync(join(folder, 'zips-'));
  execFileSync('python3', ['-c', ZIPS, out]);
  const plain = readArchive(join(out, 'plain.whl'));
  assert.deepEqual(plain.files.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]), [0, 1].map((i) => [`pkg/m${i}.py`, `x = ${i}\n`.repeat(50)]));
  const names = readdirSync(out);
  assert.equal(names.length, 10);
  for (const name of names) assert.deepEqual(readArchive(join(out, name)), plain, name);
});
