/** Stages are timed from their first update to the next stage's, and added up where they come again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stageTimes } from '../../lib/dist/cli/stage-times.js';

test('the longest first, the short ones together, and every update is passed on', () => {
  let clock = 0;
  const seen: string[] = [];
  const times = stageTimes(({ stage }) => seen.push(stage), () => clock);
  const at = (time: number, stage: string) => {
    clock = time;
    times.progress({ stage, done: 0, total: 1 });
  };
  at(400, 'training');
  at(60_400, 'answering');
  at(64_400, 'answering');
  at(70_400, 'training');
  clock = 75_400;
  times.begin('tables');
  clock = 75_900;
  assert.deepEqual(times.summary(), ['1 min 05 s  training', '10 s  answering', '1 s  everything shorter than a second'].map((line) => line.padStart(line.length + 12 - line.indexOf('  '))));
  assert.deepEqual(seen, ['training', 'answering', 'answering', 'training']);
});
