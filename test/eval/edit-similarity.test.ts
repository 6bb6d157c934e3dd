import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { editSimilarity, sequenceRatio } from '../../lib/dist/eval/edit-similarity.js';

interface Row {
  a: string;
  b: string;
  ratio: number;
}
const rows = JSON.parse(readFileSync('test/fixtures/eval/difflib.json', 'utf8')) as Row[];

test('equals difflib on every fixture', () => {
  assert.ok(rows.length >= 500);
  assert.ok(rows.some(({ b }) => [...b].length >= 200), 'the autojunk rule is exercised');
  for (const { a, b, ratio } of rows) {
    assert.ok(Math.abs(sequenceRatio(a, b) - ratio) <= 1e-12, `${JSON.stringify(a)} versus ${JSON.stringify(b)}`);
  }
});

test('compares the cleaned prediction with the reference without its comment', () => {
  assert.equal(editSimilarity('42, "why"\nnext', '42  # the answer'), 1);
  assert.equal(editSimilarity('', ''), 1);
  assert.equal(editSimilarity('', '42'), 0);
  assert.equal(editSimilarity('abcd', 'bcde'), 0.75);
});
