/** Files that are nested more deeply than any program: dropped by reason, in a moment; everything up to the bound is read. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { candidatesOf } from '../../lib/dist/data/candidates.js';
import { isTooDeep, MAX_DEPTH } from '../../lib/dist/data/depth.js';
import { openParser, parsePython, PythonSource } from '../../lib/dist/data/python.js';
import { outline } from '../../lib/dist/context/dependency/outline.js';

before(openParser);
const source = (text: string) => PythonSource.decode(Buffer.from(text))!;
const KINDS: Record<string, (n: number) => string> = {
  parentheses: (n) => `${'('.repeat(n)}1${')'.repeat(n)}`, lists: (n) => `${'['.repeat(n)}1${']'.repeat(n)}`, signs: (n) => `${'-'.repeat(n)}1`,
  nots: (n) => `${'not '.repeat(n)}1`, sums: (n) => Array(n).fill('"a"').join('+'), calls: (n) => `${'f('.repeat(n)}${')'.repeat(n)}`,
  chains: (n) => `f()${'.g()'.repeat(n)}`, assertions: (n) => `f()${'.assert_called()'.repeat(n)}`, lambdas: (n) => `${'lambda:'.repeat(n)}1`,
  'lambdas of two': (n) => `${'lambda a, b:'.repeat(n)}1`, conditions: (n) => `${'1 if a else '.repeat(n)}1`, subscripts: (n) => `a${'[0]'.repeat(n)}`,
  'lines in brackets': (n) => `${'f(\n'.repeat(n)}${')'.repeat(n)}`, 'continued lines': (n) => `f()${'\\\n.g()'.repeat(n)}`, 'tuples assigned': (n) => `(${'(1, '.repeat(n)}2${')'.repeat(n)})`,
};

for (const [name, make] of Object.entries(KINDS)) {
  test(`${name}: 40,000 in one another are dropped by reason, 40 are read`, { timeout: 30_000 }, () => {
    const file = (n: number) => source(`def test_a():\n    assert 1 == 1\n    assert x == (${make(n)})\n`);
    assert.deepEqual(candidatesOf('test_a.py', file(40_000)).map((found) => 'reason' in found && found.reason), ['too_deep']);
    assert.equal(candidatesOf('test_a.py', file(40)).filter((found) => found.testFunction === 'test_a').length >= 2, true);
    assert.equal(outline('a.py', `x = 1\ny = (${make(40_000)})\n`).bindings.size, 0);
  });
}

test('what is told from the text alone never passes a tree that is too deep', () => {
  for (const [name, make] of Object.entries(KINDS)) {
    for (const n of [MAX_DEPTH / 4, MAX_DEPTH / 2, MAX_DEPTH, 2 * MAX_DEPTH]) {
      const text = `y = (${make(n)})\n`, tree = parsePython(source(text));
      // Counted one by one, without the text.
      let depth = 0, deepest = 0;
      const cursor = tree.walk();
      for (let done = false; !done;) {
        if (cursor.gotoFirstChild()) {
          deepest = Math.max(deepest, ++depth);
          continue;
        }
        while (!cursor.gotoNextSibling()) {
          if (!cursor.gotoParent()) {
            done = true;
            break;
          }
          depth--;
        }
      }
      assert.equal(isTooDeep(text, tree), deepest > MAX_DEPTH, `${name}, ${n}: ${deepest}`);
      tree.delete();
    }
  }
});

test('long tables and strings of brackets are not deep', () => {
  const table = `rows = [${Array.from({ length: 20_000 }, (_, i) => `(${i}, "(((", -1.5 + 2j)`).join(',\n')}]\n`;
  const text = `${table}def test_a():\n    assert rows[0] == (0, "(((", 2)\n`;
  assert.ok(candidatesOf('test_a.py', source(text)).every((found) => !('reason' in found)));
});
