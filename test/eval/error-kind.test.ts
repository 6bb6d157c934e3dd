import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { openParser } from '../../lib/dist/data/python.js';
import { type ErrorKind, errorKind } from '../../lib/dist/eval/error-kind.js';

before(openParser);

test('each kind, and the order of the rules', () => {
  const long = Array.from({ length: 40 }, (_, i) => `name${i}`).join('');
  const cases: [prediction: string, target: string, kind: ErrorKind | undefined][] = [
    ['42', '42', undefined],
    ['42, "message"', '42', undefined],
    ['', '42', 'empty'],
    ['# nothing', '42', 'empty'],
    [long.slice(0, 101), '42', 'hallucination'],
    [long.slice(0, 100), '42', 'type'],
    [long.slice(0, 101), `'${'-'.repeat(32)}'`, 'type'],
    ['ab'.repeat(8), '42', 'hallucination'],
    ['ab'.repeat(7), '42', 'type'],
    [`["no",${'"yes",'.repeat(9)}]`, '["a", "b"]', 'hallucination'],
    ['ab'.repeat(8) + '_cd0ef1gh2ij3kl4mn', '42', 'type'],
    ['(((((((((', 'None', 'hallucination'],
    ['"=========="', '"--------=="', 'literal'],
    ['expected_value[0', 'expected_value[0]', 'near-miss'],
    ['config.name', 'config.names', 'near-miss'],
    ['(1', '42', 'syntax'],
    ['"abc', '42', 'syntax'],
    ['a b', '42', 'syntax'],
    ['42', '"text")', 'syntax'],
    ['name', 'other', 'identifier'],
    ['parse(a)', 'build(a)', 'identifier'],
    ['parse(a, 3)', 'build(a, 4)', 'identifier'],
    ['self.size', 'limit', 'identifier'],
    ['7', '42', 'literal'],
    ['-1', '1', 'literal'],
    ['1.5', '42', 'literal'],
    ['True', 'False', 'literal'],
    ['"no"', "'yes'", 'literal'],
    ['f(1)', 'f(99)', 'literal'],
    ['[1]', '[7, 8, 9, 10]', 'literal'],
    ['None', 'False', 'type'],
    ['"7"', '42', 'type'],
    ['b"no"', "'yes'", 'type'],
    ['name', '42', 'type'],
    ['name()', 'name', 'type'],
    ['a + b', 'a * b', 'type'],
    ['KeyError):', 'ValueError)', 'identifier'],
    ['OSError, match="x") as error:', 'ValueError, match="y")', 'identifier'],
    ['7)  # seven', '42)', 'literal'],
    ['f(1, 2)', '42', 'type'],
    ['7, f"was {size}"', '42', 'literal'],
    ['7<|fim_pad|>(', '42', 'literal'],
  ];
  for (const [prediction, target, kind] of cases) assert.equal(errorKind(prediction, target), kind, `${prediction} for ${target}`);
});

/** Whether Python's `ast` reads each text as the right side of an assertion, and as arguments up to a closing bracket. */
function readable(texts: readonly string[]): [operand: boolean, argument: boolean][] {
  const program = `
import ast, json, sys
def reads(code):
    try:
        ast.parse(code)
        return True
    except (SyntaxError, ValueError):
        return False
print(json.dumps([[reads('assert x == ' + text), any(reads('f(' + text[:i + 1]) for i, c in enumerate(text) if c == ')')]
                  for text in json.load(sys.stdin)]))`;
  const python = spawnSync('python3', ['-W', 'ignore', '-c', program], { input: JSON.stringify(texts), encoding: 'utf8' });
  return JSON.parse(python.stdout) as [boolean, boolean][];
}

test("what counts as syntax agrees with Python's ast", () => {
  const rows = JSON.parse(readFileSync('test/fixtures/eval/code-bleu.json', 'utf8')) as { reference: string; prediction: string }[];
  const all = new Set(rows.flatMap(({ reference, prediction }) => [reference, prediction]));
  const texts = [...all].filter((text) => /^\S.{0,60}$/.test(text));
  const python = readable(texts);
  const disagree: string[] = [];
  const seen = { broken: 0, whole: 0 };
  texts.forEach((text, i) => {
    for (const [place, target] of ['"@@@@@@"', '"@@@@@@")'].entries()) {
      const kind = errorKind(text, target);
      if (kind !== 'syntax' && kind !== 'type' && kind !== 'identifier' && kind !== 'literal') continue;
      seen[kind === 'syntax' ? 'broken' : 'whole']++;
      if ((kind === 'syntax') === python[i]![place]) disagree.push(text);
    }
  });
  assert.ok(seen.broken > 150 && seen.whole > 100, JSON.stringify(seen));
  // What the grammar reads and Python does not: old octal numbers, invisible characters, starred operands.
  assert.ok(disagree.every((text) => /^0777$|\u200b|^\*/.test(text)), disagree.join('\n'));
});
