/** One process at a time: others wait, say for whom, and take over where he is gone, on this machine or on another. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ensure, locked } from '../../lib/dist/store/lock.js';
import { silent } from '../../lib/dist/store/progress.js';

const [, , child, place] = process.argv;
if (child === 'child') {
  // Makes a file out of what it found, slowly: two at once would lose one of the additions.
  const count = join(place!, 'count');
  await locked(join(place!, 'result'), 'counting', silent, async () => {
    process.send!('began');
    const found = existsSync(count) ? Number(readFileSync(count, 'utf8')) : 0;
    await sleep(Number(process.argv[4]));
    writeFileSync(count, String(found + 1));
  });
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'lock-'));
after(() => rmSync(folder, { recursive: true }));
const start = (where: string, milliseconds: number) => fork(fileURLToPath(import.meta.url), ['child', where, String(milliseconds)], { execArgv: [] });

test('eight processes count to eight', async () => {
  const where = mkdtempSync(join(folder, 'eight-'));
  const codes = await Promise.all(Array.from({ length: 8 }, async () => (await once(start(where, 30), 'close'))[0] as number));
  assert.deepEqual(codes, Array(8).fill(0));
  assert.equal(readFileSync(join(where, 'count'), 'utf8'), '8');
  assert.deepEqual(readdirSync(where), ['count']);
});

test('who waits says for whom; a killed holder is followed at once', async () => {
  const where = mkdtempSync(join(folder, 'killed-')), holder = start(where, 60_000);
  await once(holder, 'message');
  const stages: string[] = [];
  let made = false;
  const mine = locked(join(where, 'result'), 'counting', ({ stage }) => { stages.push(stage); }, async () => { made = true; });
  await sleep(300);
  assert.ok(!made);
  assert.match(stages[0]!, new RegExp(`^counting: waiting for process ${holder.pid}, at it since \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC$`));
  const since = Date.now();
  holder.kill('SIGKILL');
  await mine;
  assert.ok(made && Date.now() - since < 3000);
  assert.deepEqual(readdirSync(where).filter((name) => name === 'result.lock'), []);
});

test('another process of the same number is not the holder; a file that is none is nobody', async () => {
  const lock = join(folder, 'other.lock');
  for (const content of [JSON.stringify({ host: hostname(), pid: process.pid, began: '1', since: '2026-01-01T00:00:00Z', token: 'x' }), '', '{"host": 1}', 'null']) {
    writeFileSync(lock, content);
    assert.equal(await locked(join(folder, 'other'), 'x', silent, async () => 5), 5);
    assert.ok(!existsSync(lock));
  }
});

test('a holder on another machine counts as gone when it has not touched its file for long', async () => {
  const lock = join(folder, 'far.lock'), stages: string[] = [];
  writeFileSync(lock, JSON.stringify({ host: 'elsewhere', pid: 1, began: '1', since: '2026-01-01T00:00:00Z', token: 'x' }));
  let made = false;
  const mine = locked(join(folder, 'far'), 'x', ({ stage }) => { stages.push(stage); }, async () => { made = true; });
  await sleep(700);
  assert.ok(!made);
  assert.equal(stages[0], 'x: waiting for process 1 on elsewhere, at it since 2026-01-01 00:00 UTC');
  const hourAgo = new Date(Date.now() - 3_600_000);
  utimesSync(lock, hourAgo, hourAgo);
  await mine;
  assert.ok(made);
});

test('what is there by the time that one may is not made again, and a failure lets the next one in', async () => {
  const path = join(folder, 'once');
  let made = 0, there = false;
  const make = async () => {
    made++;
    await sleep(20);
    there = true;
  };
  await Promise.all([1, 2, 3].map(() => ensure(() => there, path, 'x', silent, make)));
  assert.equal(made, 1);
  await assert.rejects(locked(path, 'x', silent, () => Promise.reject(new Error('no'))), /no/);
  assert.equal(await locked(path, 'x', silent, async () => 1), 1);
});
