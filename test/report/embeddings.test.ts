/** Similarity of vectors by hand, and what the tables, the figure and the HTML make of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Task } from '../../lib/dist/data/types.js';
import { profileNamed } from '../../lib/dist/profiles.js';
import { completionsHtml, cosine, cosineHistogram, exactMatches, natsByAdapter, nearestTable, pairCosines, recipeTable, standardiseBy } from '../../lib/dist/report/embeddings/index.js';

const vectors = new Map([
  ['a', Float32Array.of(1, 0)], ['b', Float32Array.of(3, 4)], ['c', Float32Array.of(0, 2)], ['d', Float32Array.of(-2, 0)],
]);

test('cosines of all pairs, each once', () => {
  const wanted = [0.6, 0, -1, 0.8, -0.6, 0];
  pairCosines(vectors).forEach((x, i) => { assert.ok(Math.abs(x - wanted[i]!) < 1e-7, `${i}`); });
  assert.equal(pairCosines(vectors).length, 6);
  assert.equal(cosine(Float32Array.of(0, 0), Float32Array.of(1, 1)), 0);
});

test('standardised by the training repositories alone', () => {
  // Of a and b: means 2 and 2, deviations 1 and 2.
  const by = standardiseBy(vectors, ['a', 'b']);
  assert.deepEqual([...by].map(([id, v]) => [id, ...v]), [['a', -1, -1], ['b', 1, 1], ['c', -2, 0], ['d', -4, -1]]);
});

test('the nearest others, nearest first', () => {
  assert.deepEqual(nearestTable({ raw: vectors }, ['b', 'd'], 2).objects(), [
    { repository: 'b', raw: 'c 0.800, a 0.600' }, { repository: 'd', raw: 'c 0.000, b -0.600' },
  ]);
});

test('the figure counts every pair once, the largest cosine too', () => {
  const { data, layout } = cosineHistogram({ raw: [1, 1, -1, 0.01], other: [0.5] });
  const [raw, other] = data as { x: number[]; y: number[] }[];
  assert.deepEqual(raw!.y, [25, 25, 50]);
  assert.deepEqual(raw!.x.map((x) => x.toFixed(2)), ['-0.98', '0.02', '0.98']);
  assert.deepEqual(other!.y, [100]);
  assert.match(JSON.stringify(layout['annotations']), /raw<\/b>: mean 0\.253/);
});

test('recipes by name: what is unlimited, absent or weighted is said', () => {
  const rows = recipeTable(profileNamed('mini')).objects() as Record<string, string>[];
  const row = (setting: string) => rows.find((r) => r['setting'] === setting)!;
  assert.deepEqual(row('window (tokens)'), { 'setting': 'window (tokens)', 'paper': '4,096', 'released': '2,048', 'released, diffs': '512', 'mini': '256' });
  assert.equal(row('files to the repository')['paper'], '0.6 × importance, then 1.4 × max');
  assert.equal(row('most windows of a text')['released'], 'all');
  assert.equal(row('files that are read')['released, diffs'], '–');
});

test('completions: right is letter by letter, and nothing of a repository becomes HTML', () => {
  const task = { prefix: 'def test_a():\n    x = "<b>"\n\n    assert f(x) == ', target: '3' } as Task;
  const rows = [{ task, answers: { none: '4', own: '3\nmore', other: ' 3 # three' } }];
  assert.deepEqual(exactMatches(rows).objects(), [{ adapter: 'none', right: 0, of: 1 }, { adapter: 'own', right: 1, of: 1 }, { adapter: 'other', right: 0, of: 1 }]);
  const html = completionsHtml(rows);
  assert.equal(html.split('✓').length, 2);
  assert.equal(html.split('✗').length, 3);
  assert.match(html, /✓\u00a03</);
  assert.ok(!html.includes('"<b>"') && html.includes('&#60;b&#62;'));

  // A repository without tests.
  assert.match(completionsHtml([]), /No assertion/);
  assert.equal(exactMatches([]).numRows(), 0);
});

test('nats by adapter: weighted by tokens, paired, with an interval over test files', () => {
  const of = (file: string, id: string, none: number, own: number, targetTokens: number) =>
    ({ task: { file, id } as Task, answers: { none: { targetNats: none, targetTokens, eosNats: 0 }, own: { targetNats: own, targetTokens, eosNats: 0 } } });
  const rows = [of('a.py', '1', 6, 4, 2), of('a.py', '2', 1, 1, 1), of('b.py', '3', 3, 3.5, 1)];
  // 10 and 8.5 nats over 4 tokens. Of two files a resample has one twice or both: 2 nats of 3 tokens, or -0.5 of 1.
  const expected = [
    { 'adapter': 'none', 'log-probability of a token': '−2.5000', 'own − this': '+0.3750', '95% interval': '−0.5000 to +0.6667' },
    { 'adapter': 'own', 'log-probability of a token': '−2.1250', 'own − this': '–', '95% interval': '–' },
  ];
  assert.deepEqual(natsByAdapter(rows, 'own').objects(), expected);
  // One file says nothing of others; a repository without tests has no row.
  assert.equal((natsByAdapter(rows.slice(0, 2), 'own').objects()[0] as Record<string, string>)['95% interval'], '–');
  assert.equal(natsByAdapter([], 'own').numRows(), 0);
});
