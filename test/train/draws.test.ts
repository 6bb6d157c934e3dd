/** Samplers are functions of the seed and the step, and give every repository, task and commit its share. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { balanced, uniform, walking, type Draw } from '../../lib/dist/train/draws.js';
import type { Example } from '../../lib/dist/train/examples.js';
import { learningRate } from '../../lib/dist/train/schedule.js';

const example = (repo: string, commitIndex: number, id: string): Example => ({ task: { repo, commitIndex, id } as Example['task'], prefix: [1], target: [2] });
const many = [...'abcde'].flatMap((repo, r) => Array.from({ length: 3 + 4 * r }, (_, i) => example(repo, 0, `${repo}${i}`)));
const steps = (sampler: (step: number) => Draw, n: number) => Array.from({ length: n }, (_, i) => sampler(i));
const counts = (list: string[]) => {
  const out = new Map<string, number>();
  for (const x of list) out.set(x, (out.get(x) ?? 0) + 1);
  return out;
};

test('balanced: repositories equally often, the tasks of each equally often', () => {
  const draws = steps(balanced(many, 2, 3, 7), 5 * 19);
  const repos = counts(draws.flatMap((d) => d.contexts.map((c) => c.repo)));
  assert.deepEqual(new Set(repos.values()), new Set([38]));
  for (const repo of 'abcde') {
    const seen = [...counts(draws.flatMap((d) => d.items.flat().filter((e) => e.task.repo === repo).map((e) => e.task.id))).values()];
    assert.ok(Math.max(...seen) - Math.min(...seen) <= 1, repo);
  }
  assert.deepEqual(draws, steps(balanced(many, 2, 3, 7), 5 * 19));
  assert.notDeepEqual(draws, steps(balanced(many, 2, 3, 8), 5 * 19));
});

test('uniform: tasks equally often, so that repositories come up by their size', () => {
  const draws = steps(uniform(many, 5, 7), many.length);
  assert.deepEqual(new Set(counts(draws.flatMap((d) => d.items.flat().map((e) => e.task.id))).values()), new Set([5]));
  for (const d of draws) assert.deepEqual(d.contexts.map((c) => c.repo), d.items.map((list) => list[0]!.task.repo));
});

test('walking: windows of consecutive commits that have tasks, all of a history before one comes again', () => {
  const history = [...'ab'].flatMap((repo) => [0, 1, 2, 4, 5, 6, 9].flatMap((c) => [example(repo, c, `${repo}${c}x`), example(repo, c, `${repo}${c}y`)]));
  const draws = steps(walking(history, 1, 3, 2, 7), 12);
  const ofA = draws.filter((d) => d.contexts[0]!.repo === 'a');
  const windows = ofA.map((d) => d.contexts.map((c) => c.commit));
  for (const pass of [windows.slice(0, 3), windows.slice(3, 6)]) {
    assert.deepEqual([...pass].sort(([a], [b]) => a! - b!), [[0, 1, 2], [4, 5, 6], [9]]);
  }
  for (const d of draws) {
    d.contexts.forEach((c, i) => {
      assert.equal(d.items[i]!.length, 2);
      assert.ok(d.items[i]!.every((e) => e.task.repo === c.repo && e.task.commitIndex === c.commit));
      assert.equal(new Set(d.items[i]!.map((e) => e.task.id)).size, 2, 'both tasks of the commit');
    });
  }
});

test('schedules: linear warm-up, then a cosine or a line to zero', () => {
  const at = (schedule: 'cosine' | 'linear', step: number) => learningRate({ steps: 110, learningRate: 2, warmupFraction: 10 / 110, schedule }, step);
  assert.equal(at('cosine', 0), 0.2);
  assert.equal(at('linear', 9), 2);
  assert.ok(Math.abs(at('cosine', 60) - 1) < 1e-12);
  assert.ok(Math.abs(at('linear', 60) - 1) < 1e-12);
  assert.ok(Math.abs(at('cosine', 35) - (1 + Math.SQRT1_2)) < 1e-12);
  assert.ok(at('cosine', 109) > 0 && at('linear', 109) < 0.03);
});
