/** Where windows begin and end, against a plain Python loop (fixtures/encoder/make.py). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { windowsOf } from '../../lib/dist/encoder/windows.js';

interface Case { window: number; overlap: number; minTail: number; keepFirst: boolean; tokens: number; places: [number, number][] }
const { windows } = JSON.parse(readFileSync('test/fixtures/encoder/pooling.json', 'utf8')) as { windows: Case[] };
const places = (tokens: number, recipe: Omit<Case, 'tokens' | 'places'>, maxWindows = Infinity) =>
  windowsOf(tokens, { ...recipe, maxWindows }).map(({ from, to }) => [from, to]);

test('windows of texts of every length', () => {
  for (const { tokens, places: expected, ...recipe } of windows) {
    assert.deepEqual(places(tokens, recipe), expected, `${tokens} tokens, ${JSON.stringify(recipe)}`);
  }
});

test('a limited number of windows is spread over the text', () => {
  const recipe = { window: 10, overlap: 0, minTail: 1, keepFirst: true };
  assert.deepEqual(places(60, recipe, 1), [[0, 10]]);
  assert.deepEqual(places(60, recipe, 3), [[0, 10], [20, 30], [40, 50]]);
  assert.deepEqual(places(25, recipe, 3), [[0, 10], [10, 20], [20, 25]]);
});

test('windows that would stand still are refused', () => {
  assert.throws(() => places(60, { window: 10, overlap: 10, minTail: 1, keepFirst: true }), /cannot overlap/);
});
