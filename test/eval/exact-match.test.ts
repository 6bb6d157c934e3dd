import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanPrediction, relaxedExactMatch, strictExactMatch, stripComment } from '../../lib/dist/eval/exact-match.js';

test('strict: first line, stripped, nothing else', () => {
  assert.equal(strictExactMatch(' 42 \nassert x', '42'), true);
  assert.equal(strictExactMatch('42\r\n', '42'), true);
  assert.equal(strictExactMatch('42,', '42'), false);
  assert.equal(strictExactMatch('42  # the answer', '42'), false);
  assert.equal(strictExactMatch('\n42', '42'), false);
  assert.equal(strictExactMatch('', '42'), false);
});

test('clean-up follows the reference', () => {
  assert.equal(cleanPrediction('<|fim_middle|>x<|fim_pad|>\ny', 'x'), 'x');
  assert.equal(cleanPrediction('(a,\n b)', '(a,\n b)'), '(a,\n b)', 'several lines where the reference has several');
  assert.equal(cleanPrediction('a == b  # why', 'a == b'), 'a == b');
  assert.equal(cleanPrediction('f(1), "message"', 'f(1)'), 'f(1)', 'cut at the comma');
  assert.equal(cleanPrediction('f(1, 2), "m"', 'f(1, 2)'), 'f(1, 2), "m"', 'no cut where the reference has a comma');
  assert.equal(cleanPrediction('True and more', 'True'), 'True', 'first token');
  assert.equal(cleanPrediction('x y z', 'x y'), 'x y z');
  assert.equal(cleanPrediction('x, y', 'x  # a, b'), 'x', 'a comma in the comment does not count');
  assert.equal(cleanPrediction('', 'x'), '');
  assert.equal(stripComment('"a#b"'), '"a', 'even inside a string: the rule of the paper');
});

test('relaxed: separators and spaces do not count', () => {
  assert.equal(relaxedExactMatch('[1,2 ,3]', '[1, 2, 3]'), true);
  assert.equal(relaxedExactMatch('42:', '42'), true);
  assert.equal(relaxedExactMatch('42, "message"', '42'), true);
  assert.equal(relaxedExactMatch('a  ==  b', 'a == b'), true);
  assert.equal(relaxedExactMatch('"#fff"', '"#000"'), true, 'both are cut at the hash');
  assert.equal(relaxedExactMatch('43', '42'), false);
  assert.equal(relaxedExactMatch('', '42'), false);
});

test('what matches strictly matches relaxedly', () => {
  for (const target of ['42', '"a, b"', '[1, 2]', 'f(x, y=1))', 'ValueError)', "'a # b'", '{"k": [None]}']) {
    assert.equal(strictExactMatch(target, target), true);
    assert.equal(relaxedExactMatch(target, target), true);
  }
});
