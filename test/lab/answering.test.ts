/** Tasks of one adapter are answered in slices, between which an interrupt is heard; the answers keep their places. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTasks } from '../../lib/dist/lab/answering.js';
import type { TrackData } from '../../lib/dist/lab/track-data.js';
import type { BaseModel } from '../../lib/dist/lab/base-model.js';
import type { Example } from '../../lib/dist/train/examples.js';

test('1,100 tasks without an adapter: three calls, all answers in order, and the loop turns in between', async () => {
  const examples = Array.from({ length: 1100 }, (_, i) => ({ task: { repo: 'r', id: String(i) }, prefix: [i], target: [i] }) as unknown as Example);
  const calls: number[] = [];
  let turned = 0;
  setImmediate(function turn() {
    turned = calls.length;
    if (calls.length < 3) setImmediate(turn);
  });
  const { results } = await answerTasks(
    { dispose: () => {} }, 'none', examples, { contextOf: ({ task }: Example) => ({ repo: task.repo }) } as unknown as TrackData, {} as BaseModel, 0,
    (_model, some, tick) => {
      calls.push(some.length);
      if (calls.length === 3) assert.ok(turned >= 1, 'the event loop turned before the last call');
      tick(some.length);
      return some.map(({ prefix }) => prefix[0]!);
    }, () => {},
  );
  assert.deepEqual(calls, [512, 512, 76]);
  assert.deepEqual([...results.values()], examples.map((_, i) => i));
});
