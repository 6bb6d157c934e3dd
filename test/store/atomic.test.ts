/** A write that fails leaves what was there, says why in one line, and leaves nothing half-written. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writeFileAtomic } from '../../lib/dist/store/atomic.js';
import { explain } from '../../lib/dist/store/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'atomic-'));
after(() => { rmSync(folder, { recursive: true }); });

test('a folder is made and a file replaced', () => {
  const path = join(folder, 'a', 'b.txt');
  writeFileAtomic(path, 'one');
  writeFileAtomic(path, 'two');
  assert.equal(readFileSync(path, 'utf8'), 'two');
  assert.deepEqual(readdirSync(join(folder, 'a')), ['b.txt']);
});

test('a full disk', (t) => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status !== 0) return t.skip('a small disk can be mounted by root only');
  t.after(() => { spawnSync('umount', [disk]); });
  const path = join(disk, 'x.bin');
  writeFileAtomic(path, 'kept');
  let message = '';
  try {
    writeFileAtomic(path, new Uint8Array(1e6));
  } catch (error) {
    message = explain(error);
  }
  assert.match(message, /^The disk is full.*run the same command again.*$/);
  assert.ok(!message.includes('\n'));
  assert.equal(readFileSync(path, 'utf8'), 'kept');
  assert.deepEqual(readdirSync(disk), ['x.bin']);
});
