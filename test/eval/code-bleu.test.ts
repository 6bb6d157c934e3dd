import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { openParser } from '../../lib/dist/data/python.js';
import { codeBleu, codeBleuParts } from '../../lib/dist/eval/code-bleu/code-bleu.js';
import { stripComments } from '../../lib/dist/eval/code-bleu/strip-comments.js';

/** Scores of the PyPI package: n-gram, weighted n-gram, syntax, data flow, total. See make_code_bleu.py. */
type Scores = [number, number, number, number, number];
interface Row {
  reference: string;
  prediction: string;
  scores: Scores;
  /** The package's scores with its parser given UTF-16 as a JavaScript parser is, where these are others. */
  utf16?: Scores;
  /** The unmodified package gives more than one score, by Python's hash seed. */
  loose?: true;
}
const rows = JSON.parse(readFileSync('test/fixtures/eval/code-bleu.json', 'utf8')) as Row[];

before(openParser);

test('equals the codebleu package on every part of 500 pairs', () => {
  assert.equal(rows.length, 500);
  assert.ok(rows.filter(({ loose }) => loose).length <= 10 && rows.filter(({ utf16 }) => utf16).length <= 2);
  for (const { reference, prediction, scores, utf16 } of rows) {
    const { ngram, weightedNgram, syntax, dataFlow, total } = codeBleuParts(prediction, reference);
    const expected = utf16 ?? scores;
    [ngram, weightedNgram, syntax, dataFlow, total].forEach((value, i) => {
      const place = `part ${i} of ${JSON.stringify({ prediction, reference })}`;
      assert.ok(Math.abs(value - expected[i]!) <= 1e-6, `${value}, not ${expected[i]}: ${place}`);
    });
  }
});

test('the pairs exercise every part', () => {
  for (const part of [0, 1, 2, 3, 4]) {
    assert.ok(new Set(rows.map(({ scores }) => scores[part])).size > 50, `part ${part} takes many values`);
  }
  for (const construct of ['for ', 'while ', 'elif ', '=2', 'for x in', '+=', ':= ', 'é', "'''", '\t', '\\\n', '\r']) {
    assert.ok(rows.some(({ reference, prediction }) => (reference + prediction).includes(construct)), JSON.stringify(construct));
  }
});

test('a score is of cleaned texts, 0 where one is empty and 1 where they are equal', () => {
  assert.equal(codeBleu('', '42'), 0);
  assert.equal(codeBleu('42', ''), 0);
  assert.equal(codeBleu('# 42', '42'), 0);
  assert.equal(codeBleu('42, "message"\nnext', '42  # the answer'), 1);
  assert.ok(codeBleuParts('42', '42').total < 1, 'the package gives short equal texts less');
  const [prediction, reference] = ['f(x) + 1', 'f(y) + 1'];
  assert.equal(codeBleu(`${prediction}, "message"  # why`, reference), codeBleuParts(prediction, reference).total);
});

test('comments and strings that begin a line go, unless Python cannot read the code', () => {
  assert.equal(stripComments('x = 1  # one\n\n# two\ny = "#"'), 'x = 1  \ny = "#"');
  assert.equal(stripComments('def f():\n    """Doc."""\n    return """a\n  # b"""'), 'def f():\n    return """a\n  # b"""');
  assert.equal(stripComments('"abc"'), '');
  assert.equal(stripComments('"abc") # c'), '"abc") # c');
  assert.equal(stripComments('f(x # c'), 'f(x # c');
  assert.equal(stripComments('  x # c\n y'), '  x # c\n y');
});
