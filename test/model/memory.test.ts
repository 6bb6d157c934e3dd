/** A model of 0.5B shape (24 layers, vocabulary 151,936) fits a laptop, with batches as the code chooses them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

/** Beside another test. */
const enough = process.availableMemory() > 8e9;
for (const part of ['evaluate', 'embed', 'train']) {
  test(`${part}: under 8 GB, in batches that are not small`, { skip: !enough && 'it takes 8 GB of free memory' }, () => {
    const said = execFileSync(process.execPath, ['scripts/bench/memory.mjs', part], { encoding: 'utf8' });
    const { tokens, gigabytes } = JSON.parse(said) as { tokens: number; gigabytes: number };
    assert.ok(gigabytes < 8, `${gigabytes} GB`);
    assert.ok(tokens >= 2000, `${tokens} tokens`);
  });
}

test('an array that does not fit is an error with a remedy, in one line, and not the end of the process', () => {
  const code = `const { tf } = await import('./lib/dist/engine/tensorflow.js');
    const { explain, isExpected } = await import('./lib/dist/store/errors.js');
    const outer = () => tf.matMul(tf.ones([50000, 1]), tf.ones([1, 50000]));
    for (const make of [outer, () => tf.ones([50000, 50000])]) try { make(); } catch (error) { console.log(isExpected(error) && explain(error)); }
    console.log(tf.ones([3]).sum().dataSync()[0]);`;
  const said = execFileSync('bash', ['-c', 'ulimit -d 4000000; exec "$0" --input-type=module -e "$1"', process.execPath, code], { encoding: 'utf8' });
  assert.match(said, /^The memory is used up .*50000 x 50000.*lower learning\.microBatch.*\nThe memory is used up: .*\n3\n$/);
});
