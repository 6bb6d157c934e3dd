/** What was made is kept, what failed is tried again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remembered } from '../../lib/dist/store/remembered.js';

test('one call makes it for all; a failure reaches those who asked, and the next one tries again', async () => {
  let calls = 0;
  const get = remembered(async () => {
    calls++;
    await new Promise(setImmediate);
    if (calls === 1) throw new Error('no network');
    return calls;
  });
  const first = await Promise.allSettled([get(), get()]);
  assert.deepEqual(first.map(({ status }) => status), ['rejected', 'rejected']);
  assert.deepEqual(await Promise.all([get(), get()]), [2, 2]);
  assert.equal(await get(), 2);
});
