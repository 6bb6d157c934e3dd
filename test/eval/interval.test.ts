import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { clusteredInterval, pairedInterval, type ScoredTask } from '../../lib/dist/eval/interval.js';
import { Random } from '../../lib/dist/store/random.js';

/** 40 repositories of 20 tasks: a score is 0.5, its repository's own deviation and its own noise. */
function sample(random: Random): ScoredTask[] {
  return Array.from({ length: 40 }, (_, r) => {
    const level = 0.5 + 0.2 * random.normal();
    return Array.from({ length: 20 }, () => ({ repo: `repo${r}`, value: level + 0.3 * random.normal() }));
  }).flat();
}

test('the 95% interval holds the true mean in about 95% of samples', () => {
  const random = new Random(1);
  const repeats = 600;
  let covered = 0;
  let naive = 0;
  for (let i = 0; i < repeats; i++) {
    const values = sample(random);
    const { low, high } = clusteredInterval(values, { seed: i, resamples: 1000 });
    if (low <= 0.5 && 0.5 <= high) covered++;
    if (i >= 100) continue;
    const unclustered = clusteredInterval(values.map(({ value }, k) => ({ repo: `task${k}`, value })), { seed: i, resamples: 300 });
    if (unclustered.low <= 0.5 && 0.5 <= unclustered.high) naive++;
  }
  assert.ok(covered / repeats > 0.9 && covered / repeats < 0.98, `covered ${covered} of ${repeats}`);
  assert.ok(naive / 100 < 0.8, `drawing single tasks covers too rarely: ${naive} of 100`);
});

test('mean over tasks, sizes, and independence from the order of rows', () => {
  const values = [{ repo: 'a', value: 1 }, { repo: 'a', value: 0 }, { repo: 'b', value: 1 }, { repo: 'c', value: 0 }];
  const interval = clusteredInterval(values);
  assert.equal(interval.mean, 0.5);
  assert.equal(interval.tasks, 4);
  assert.equal(interval.repositories, 3);
  assert.ok(interval.low <= 0.5 && interval.high >= 0.5);
  assert.deepEqual(clusteredInterval([...values].reverse()), interval);
  assert.notDeepEqual(clusteredInterval(sample(new Random(2)), { seed: 1 }), clusteredInterval(sample(new Random(2)), { seed: 2 }));
});

test('one repository gives a mean without an interval; none, or a score that is no number, an error', () => {
  const { mean, low, high } = clusteredInterval([{ repo: 'a', value: 1 }, { repo: 'a', value: 0 }]);
  assert.equal(mean, 0.5);
  assert.ok(Number.isNaN(low) && Number.isNaN(high));
  assert.throws(() => clusteredInterval([]), /No scores/);
  assert.throws(() => clusteredInterval([{ repo: 'a', value: Number.NaN }]), /not a number/);
});

test('a paired difference is tighter than two separate intervals', () => {
  const random = new Random(3);
  const b = sample(random);
  const a = b.map(({ repo, value }) => ({ repo, value: value + 0.05 + 0.02 * random.normal() }));
  const difference = pairedInterval(a, b);
  assert.ok(Math.abs(difference.mean - 0.05) < 0.005);
  assert.ok(difference.low > 0.04 && difference.high < 0.06);
  assert.throws(() => pairedInterval(a, b.slice(1)), /same tasks/);
  assert.throws(() => pairedInterval(a, [...b].reverse()), /Sort both/);
});

interface Expected {
  mean: number;
  low: number;
  high: number;
}
/** Scores as [seed][task] by repository and method, and numpy's intervals. See make_interval.py. */
const numpy = JSON.parse(readFileSync('test/fixtures/eval/interval.json', 'utf8')) as {
  scores: Record<'a' | 'b', Record<string, number[][]>>;
  expected: Record<'several seeds' | 'one seed' | 'paired' | 'paired with one seed', Expected>;
};

function scored(method: 'a' | 'b', seeds = [0, 1, 2]): ScoredTask[] {
  return Object.entries(numpy.scores[method]).flatMap(([repo, bySeed]) =>
    seeds.flatMap((seed) => bySeed[seed]!.map((value, k) => ({ repo, value, seed, task: `${repo}:${k}` }))));
}

test("equals numpy's bootstrap over repositories and seeds, single and paired", () => {
  const near = (found: Expected, expected: Expected) => {
    assert.ok(Math.abs(found.mean - expected.mean) < 1e-9, `mean ${found.mean}, not ${expected.mean}`);
    const tolerance = 0.02 * (expected.high - expected.low);
    for (const end of ['low', 'high'] as const) {
      assert.ok(Math.abs(found[end] - expected[end]) < tolerance, `${end} ${found[end]}, not ${expected[end]}`);
    }
  };
  const options = { resamples: 100_000 };
  const shuffled = (scores: ScoredTask[]) => new Random(5).shuffle(scores);
  near(clusteredInterval(scored('a'), options), numpy.expected['several seeds']);
  near(clusteredInterval(scored('a', [0]), options), numpy.expected['one seed']);
  near(pairedInterval(scored('a'), shuffled(scored('b')), options), numpy.expected.paired);
  near(pairedInterval(scored('a'), scored('b', [0]), options), numpy.expected['paired with one seed']);
});

test('several seeds: a task counts once, and seeds widen the interval', () => {
  const interval = clusteredInterval(scored('a'));
  assert.equal(interval.tasks, clusteredInterval(scored('a', [0])).tasks);
  const apart = sample(new Random(6)).flatMap((task) => [0, 1, 2].map((seed) => ({ ...task, seed, value: task.value + seed })));
  const together = apart.map((task) => ({ ...task, value: task.value - task.seed }));
  const width = ({ low, high }: Expected) => high - low;
  assert.ok(width(clusteredInterval(apart)) > 5 * width(clusteredInterval(together)));
  assert.ok(Math.abs(clusteredInterval([...apart].reverse()).low - clusteredInterval(apart).low) < 1e-9, 'in any order');
  assert.throws(() => clusteredInterval(scored('a').slice(1)), /same tasks/);
});

test('pairs follow tasks and seeds, not the order of rows', () => {
  const [a, b] = [scored('a'), scored('b')];
  const forward = pairedInterval(a, b);
  assert.deepEqual(pairedInterval(a, [...b].reverse()), forward);
  const backward = pairedInterval(scored('b', [0]), a);
  const { mean, low, high } = pairedInterval(a, scored('b', [0]));
  assert.deepEqual([backward.mean, backward.low, backward.high], [-mean, -high, -low], 'one seed against three, from either side');
  assert.throws(() => pairedInterval(a, [...b.slice(1), { ...b[0]!, task: 'unknown' }]), /same seeds/);
  assert.throws(() => pairedInterval(a, [...b.slice(1), b[1]!]), /two of the same task/);
  assert.throws(() => pairedInterval(a, scored('b', [0, 1])), /same tasks/);
});
