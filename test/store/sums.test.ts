/** Hashes of what is stored: `sha256sum` reads the lists, and no changed byte of a file goes unseen. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '../../lib/dist/store/errors.js';
import { readSafetensors, storedSafetensors, storeSafetensors, writeSafetensors } from '../../lib/dist/store/safetensors.js';
import { areWhole, isWhole, seal, sealed } from '../../lib/dist/store/sums.js';

const folder = mkdtempSync(join(tmpdir(), 'sums-'));
after(() => { rmSync(folder, { recursive: true }); });

test('a folder\'s list is one of sha256sum, and says which files are damaged', () => {
  for (const name of ['a.json', 'b c.parquet']) writeFileSync(join(folder, name), `${name} holds this`);
  seal(folder, ['a.json']);
  seal(folder, ['b c.parquet']);
  assert.deepEqual(sealed(folder), ['a.json', 'b c.parquet']);
  assert.equal(execFileSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: folder, encoding: 'utf8' }), 'a.json: OK\nb c.parquet: OK\n');
  writeFileSync(join(folder, 'a.json'), 'a.json holds that');
  writeFileSync(join(folder, 'unlisted'), 'x');
  assert.deepEqual(['a.json', 'b c.parquet', 'unlisted', 'absent'].map((name) => isWhole(folder, name)), [false, true, false, undefined]);
  const said: string[] = [];
  assert.equal(areWhole(folder, ['a.json', 'b c.parquet'], ({ stage }) => said.push(stage)), false);
  // What is not listed was not finished, which is no damage.
  assert.equal(areWhole(folder, ['unlisted'], ({ stage }) => said.push(stage)), false);
  assert.deepEqual(said, [`${join(folder, 'a.json')} is damaged and is made again`]);
});

test('a list that was cut anywhere takes nothing that it named for whole, and one that never was takes all', () => {
  const sums = join(folder, 'SHA256SUMS'), whole = readFileSync(sums);
  writeFileSync(join(folder, 'a.json'), 'a.json holds this');
  for (let at = 0; at < whole.length - 1; at++) {
    writeFileSync(sums, whole.subarray(0, at));
    assert.equal(isWhole(folder, 'b c.parquet'), false, `cut at ${at}`);
  }
  writeFileSync(sums, whole);
  assert.deepEqual([isWhole(folder, 'a.json'), isWhole(folder, 'b c.parquet')], [true, true]);
  rmSync(sums);
  assert.equal(isWhole(folder, 'unlisted'), true);
});

test('stored tensors: every changed byte is recognised; a file for others bears no hash', () => {
  const path = join(folder, 'a.safetensors'), tensors = new Map([['x', { shape: [2, 2], data: Float32Array.of(1, -2, 0.5, 4) }], ['n', { shape: [1], data: Int32Array.of(7) }]]);
  storeSafetensors(path, tensors, { step: '3' });
  assert.deepEqual(readSafetensors(path).tensors, tensors);
  const bytes = readFileSync(path), said: string[] = [];
  for (const [at, byte] of bytes.entries()) {
    const changed = Buffer.from(bytes);
    changed[at] = byte ^ (1 << (at % 8));
    writeFileSync(path, changed);
    const read = storedSafetensors(path, ({ stage }) => said.push(stage));
    // But in the hash's own name, which changes nothing of what is held.
    if (read) assert.deepEqual({ tensors: read.tensors, step: read.metadata['step'] }, { tensors, step: '3' }, `byte ${at}`);
    else assert.throws(() => readSafetensors(path), UserError, `byte ${at}`);
  }
  assert.ok(said.length >= bytes.length - 'sha256'.length, `${said.length} of ${bytes.length} were said`);
  writeSafetensors(path, tensors);
  assert.equal(readFileSync(path).includes('sha256'), false);
  assert.equal(storedSafetensors(join(folder, 'absent'), () => assert.fail()), undefined);
});
