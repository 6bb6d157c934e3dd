import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { below, perRepository, type RepositoryScores, spread } from '../../lib/dist/eval/per-repository.js';
import type { Prediction } from '../../lib/dist/eval/types.js';
import { Random } from '../../lib/dist/store/random.js';

function prediction(repo: string, taskId: string, right: boolean, some: Partial<Prediction> = {}): Prediction {
  return {
    repo, taskId, track: 'static', suite: 'IR', commitIndex: 0, method: 'single-lora', adapter: 'own', seed: 1, target: '', prediction: '',
    strictEM: right, relaxedEM: true, editSimilarity: right ? 1 : 0.25, codeBleu: right ? 1 : 0.5, ...some,
  };
}

test('one row a repository, by name; several seeds of a task are one task', () => {
  assert.deepEqual(perRepository([
    prediction('b', '1', true), prediction('a', '1', false), prediction('b', '2', false),
    prediction('b', '1', true, { seed: 2 }), prediction('a', '1', false, { seed: 2 }), prediction('b', '2', true, { seed: 2 }),
  ]), [
    { repo: 'a', tasks: 1, strictEM: 0, relaxedEM: 1, editSimilarity: 0.25, codeBleu: 0.5 },
    { repo: 'b', tasks: 2, strictEM: 0.75, relaxedEM: 1, editSimilarity: 0.8125, codeBleu: 0.875 },
  ]);
  assert.deepEqual(perRepository([]), []);
  for (const other of [{ method: 'pretrained' }, { adapter: 'other' }, { suite: 'CR' }] as const) {
    assert.throws(() => perRepository([prediction('a', '1', true), prediction('a', '1', true, other)]), /filter them to one/);
  }
});

function rows(random: Random, count: number): RepositoryScores[] {
  return Array.from({ length: count }, (_, i) =>
    ({ repo: `repo${i}`, tasks: 1, strictEM: random.below(20) / 20, relaxedEM: 0, editSimilarity: random.next(), codeBleu: 0 }));
}

test("median and sigma equal those of Python's statistics", () => {
  const random = new Random(1);
  for (const count of [1, 2, 7, 50]) {
    const some = rows(random, count);
    const program = 'import json, statistics, sys; v = json.load(sys.stdin); print(json.dumps([statistics.median(v), statistics.pstdev(v)]))';
    const python = spawnSync('python3', ['-c', program], { input: JSON.stringify(some.map((row) => row.editSimilarity)), encoding: 'utf8' });
    const [median, sigma] = JSON.parse(python.stdout) as [number, number];
    const found = spread(some, 'editSimilarity');
    assert.equal(found.repositories, count);
    assert.ok(Math.abs(found.median - median) < 1e-12 && Math.abs(found.sigma - sigma) < 1e-12);
  }
  assert.throws(() => spread([], 'strictEM'), /No repository/);
});

test('share of repositories below another method, whatever their order', () => {
  const a = [0.2, 0.5, 0.5, 0.9].map((strictEM, i) => ({ ...rows(new Random(2), 4)[i]!, strictEM }));
  const b = [0.3, 0.5, 0.6, 0.1].map((strictEM, i) => ({ ...a[i]!, strictEM })).reverse();
  assert.deepEqual(below(a, b, 'strictEM'), { repositories: 2, share: 0.5 });
  assert.deepEqual(below(b, a, 'strictEM'), { repositories: 1, share: 0.25 });
  assert.throws(() => below(a, b.slice(1), 'strictEM'), /repo3 is in one only/);
  assert.throws(() => below(a.slice(1), b, 'strictEM'), /3 repositories with 4/);
});
