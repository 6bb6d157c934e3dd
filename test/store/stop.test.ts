/** Work that is stopped: it ends at its next report, all of it, and only what was begun before; the same work is done once at a time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { silent } from '../../lib/dist/store/progress.js';
import { once, stoppable, Stopped, stopOnInterrupt, stopping, unstopped } from '../../lib/dist/store/stop.js';

stopOnInterrupt();
const stop = async () => {
  process.kill(process.pid, 'SIGINT');
  await sleep(20);
};
const report = stopping(silent);
let steps = 0;
/** Reports every few milliseconds, up to `most` times. */
const work = (most: number) => async () => {
  for (let i = 0; i < most; i++) {
    report({ stage: 'working', done: i, total: most });
    steps++;
    await sleep(2);
  }
  return most;
};

test('what was begun before a stop ends at its next report, what is begun after runs to its end', async () => {
  const before = assert.rejects(stoppable(work(100_000)), Stopped);
  await sleep(20);
  await stop();
  await before;
  const seen = steps;
  await sleep(30);
  assert.equal(steps, seen);
  assert.equal(await stoppable(work(5)), 5);
  // Within other work it ends with that, though it is begun later.
  const outer = stoppable(async () => {
    await sleep(30);
    await stoppable(work(100_000));
  });
  const ended = assert.rejects(outer, Stopped);
  await stop();
  await ended;
});

test('the same work is done once; who waits for what is stopped does it himself', async () => {
  let made = 0;
  const make = (most: number) => () => {
    made++;
    return work(most)();
  };
  const [a, b] = await Promise.all([1, 2].map(() => stoppable(() => once('same', make(10)))));
  assert.deepEqual([a, b, made], [10, 10, 1]);
  const first = assert.rejects(stoppable(() => once('same', make(100_000))), Stopped);
  await sleep(10);
  process.kill(process.pid, 'SIGINT');
  await sleep(0);
  await new Promise(setImmediate);
  const second = stoppable(() => once('same', make(7)));
  await first;
  assert.equal(await second, 7);
  assert.equal(made, 3);
});

test('other failures are not tried again', async () => {
  let asked = 0;
  await assert.rejects(unstopped(() => {
    asked++;
    return Promise.reject(new Error('no network'));
  }), /no network/);
  assert.equal(asked, 1);
});
