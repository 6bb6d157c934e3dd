import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prefixFault, targetFault } from '../../lib/dist/data/filters.js';
import { largestRemainder, select, type Selectable } from '../../lib/dist/data/select.js';
import { inRepoSplits, repoSeed } from '../../lib/dist/data/splits.js';
import type { TargetKind } from '../../lib/dist/data/types.js';

const OPTIONS = { seed: 1, maxTasks: 200 };

function candidate(target: string, more: Partial<Selectable> = {}): Selectable {
  return { file: 'a.py', testFunction: 'test_a', target, targetKind: 'numeric', multiline: false, ...more };
}

function reasons(candidates: Selectable[], options = OPTIONS): Record<string, number> {
  const { kept, dropped } = select(candidates, options);
  const counts: Record<string, number> = { kept: kept.length };
  for (const { reason } of dropped) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

test('one of each target a file, 5 a function, 20 a file', () => {
  assert.deepEqual(reasons([candidate('1'), candidate('1', { testFunction: 'test_b' }), candidate('1', { file: 'b.py' })]),
    { kept: 2, duplicate: 1 });
  assert.deepEqual(reasons(Array.from({ length: 8 }, (_, i) => candidate(`${i}`))), { kept: 5, cap_function: 3 });
  assert.deepEqual(reasons(Array.from({ length: 24 }, (_, i) => candidate(`${i}`, { testFunction: `test_${i}` }))),
    { kept: 20, cap_file: 4 });
});

test('short targets on one line come first', () => {
  const { kept } = select([
    candidate('[1, 2]', { multiline: true }),
    ...['1234567', '123456', '12345', '1234', '123'].map((target) => candidate(target)),
    candidate('12345678'),
  ], OPTIONS);
  assert.deepEqual(kept.map(({ target }) => target).sort(), ['123', '1234', '12345', '123456', '1234567']);
});

test('in random order lengths do not matter, line breaks do', () => {
  const candidates = [
    candidate('[1, 2]', { multiline: true }),
    ...Array.from({ length: 100 }, (_, i) => candidate('x'.repeat(i + 1))),
  ];
  const { kept } = select(candidates, { ...OPTIONS, order: 'random' });
  assert.ok(kept.every(({ multiline }) => !multiline));
  assert.ok(kept.some(({ target }) => target.length > 20));
});

test('over the repository’s cap, the kinds of target share in proportion', () => {
  const many = (targetKind: TargetKind, count: number): Selectable[] =>
    Array.from({ length: count }, (_, i) => candidate(`${i}`, { file: `${targetKind}${i}.py`, targetKind }));
  const { kept, dropped } = select([...many('numeric', 60), ...many('bool', 30), ...many('call', 10)], { seed: 1, maxTasks: 10 });
  const count = (kind: string): number => kept.filter(({ targetKind }) => targetKind === kind).length;
  assert.deepEqual(['numeric', 'bool', 'call'].map(count), [6, 3, 1]);
  assert.ok(dropped.length === 90 && dropped.every(({ reason }) => reason === 'cap_repository'));
  assert.deepEqual(largestRemainder([5, 5, 5], 7), [3, 2, 2]);
  assert.deepEqual(largestRemainder([1, 2], 7), [1, 2]);
  assert.deepEqual(largestRemainder([98, 1, 1], 10), [10, 0, 0]);
});

test('targets and prefixes that are unfit', () => {
  assert.equal(targetFault('  '), 'empty_target');
  assert.equal(targetFault(', 1)'), 'comma_leading');
  for (const target of [')', '])', '})', '),', ' ) ]']) assert.equal(targetFault(target), 'brackets_only');
  assert.equal(targetFault('x'.repeat(501)), 'too_long');
  for (const target of ['()', '0', '[])', 'x'.repeat(500)]) assert.equal(targetFault(target), null);
  assert.equal(prefixFault('    assert_equal(, '), 'malformed_prefix');
  assert.equal(prefixFault('    assert_equal(a, '), null);
});

test('training tasks are split 80/10/10, all others are test', () => {
  const splits = inRepoSplits(57, 'train', 3);
  const count = (split: string): number => splits.filter((each) => each === split).length;
  assert.deepEqual(['train', 'val', 'test'].map(count), [45, 5, 7]);
  assert.deepEqual(inRepoSplits(57, 'train', 3), splits);
  assert.notDeepEqual(inRepoSplits(57, 'train', 4), splits);
  assert.ok(inRepoSplits(9, 'cr_val', 3).every((split) => split === 'test'));
  assert.notEqual(repoSeed(1, 'a', 'split'), repoSeed(1, 'b', 'split'));
});
