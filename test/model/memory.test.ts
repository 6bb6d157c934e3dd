/** A model of 0.5B shape (24 layers, vocabulary 151,936) fits a laptop, with batches as the code chooses them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

for (const part of ['evaluate', 'embed', 'train']) {
  test(`${part}: under 8 GB, in batches that are not small`, () => {
    const said = execFileSync(process.execPath, ['scripts/bench/memory.mjs', part], { encoding: 'utf8' });
    const { tokens, gigabytes } = JSON.parse(said) as { tokens: number; gigabytes: number };
    assert.ok(gigabytes < 8, `${gigabytes} GB`);
    assert.ok(tokens >= 2000, `${tokens} tokens`);
  });
}
