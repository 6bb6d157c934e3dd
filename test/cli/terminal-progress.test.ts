import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, terminalProgress } from '../../lib/dist/cli/terminal-progress.js';

function recorder(isTTY: boolean) {
  const written: string[] = [];
  let time = 0;
  const output = { isTTY, columns: 200, write: (text: string) => written.push(text) };
  return { written, tick: (ms: number) => (time += ms), progress: terminalProgress(output, () => time) };
}

test('without a terminal: a line every ten seconds and one at the end', () => {
  const { written, tick, progress } = recorder(false);
  for (let done = 0; done <= 60; done++) {
    progress({ stage: 'training', done, total: 60, note: `loss ${done}` });
    tick(500);
  }
  assert.equal(written.length, 4, 'at 0, 10, 20 and 30 s');
  assert.match(written[1]!, /^training \[.*\] 33% 10 s, about 20 s left, loss 20\n$/);
  assert.match(written.at(-1)!, /100% took 30 s, loss 60\n$/);
  assert.ok(written.every((text) => !text.includes('\r')));
});

test('in a terminal: redrawn in place, a stage ends with a line break', () => {
  const { written, tick, progress } = recorder(true);
  progress({ stage: 'a', done: 0, total: 2 });
  tick(50);
  progress({ stage: 'a', done: 1, total: 2 });
  assert.equal(written.length, 1, 'not more often than every 100 ms');
  progress({ stage: 'b', done: 0, total: 1 });
  assert.equal(written[1], '\n', 'a stage that did not end keeps its line');
  progress({ stage: 'b', done: 1, total: 1 });
  progress({ stage: 'b', done: 1, total: 1 });
  assert.equal(written.filter((text) => text.includes('100%')).length, 1);
  assert.ok(written.at(-1)!.endsWith('\n'));
  progress({ stage: 'b', done: 0, total: 1 });
  assert.match(written.at(-1)!, /b .* 0%/, 'the same stage begins again');
});

test('work of an earlier run does not count as pace', () => {
  const { written, tick, progress } = recorder(false);
  progress({ stage: 'x', done: 90, total: 100 });
  tick(10_000);
  progress({ stage: 'x', done: 95, total: 100 });
  assert.match(written[1]!, /95% 10 s, about 10 s left/);
});

test('durations', () => {
  assert.deepEqual([900, 59_000, 61_000, 3_600_000 + 12 * 60_000].map(duration), ['1 s', '59 s', '1 min 01 s', '1 h 12 min']);
});
