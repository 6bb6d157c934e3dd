/** Errors of others, as one line for a person. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from '../../lib/dist/store/errors.js';

test('memory that is used up: whose, what did not fit, and what to lower', () => {
  const gpu = new Error('Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[8,12,4096,4096] and type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc [Op:BatchMatMulV2]');
  assert.match(explain(gpu), /^The GPU's memory is used up \(an array of 8 x 12 x 4096 x 4096 numbers did not fit\): .*learning\.microBatch.*goes on from there\.$/);
  assert.match(explain(new Error('OOM when allocating tensor with shape[50000,50000] on /device:CPU:0')), /^The memory is used up \(an array of 50000 x 50000/);
  assert.match(explain(new Error('Array buffer allocation failed')), /^The memory is used up: /);
});

test('disk, permissions, files that are not there', () => {
  const of = (code: string) => explain(Object.assign(new Error('x'), { code, path: '/there' }));
  assert.match(of('ENOSPC'), /disk is full at \/there/);
  assert.match(of('EACCES'), /^No permission at \/there: check the owner/);
  assert.match(of('ENOENT'), /File not found at \/there/);
});
