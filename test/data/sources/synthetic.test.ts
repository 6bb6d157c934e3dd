/** The synthetic benchmark against git, against Python, and against predictors that see no repository. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { silent } from '../../../lib/dist/store/progress.js';
import { checkTask } from '../check-task.js';
import { openParser } from '../../../lib/dist/data/python.js';
import { ceiling } from '../../../lib/dist/data/sources/synthetic/ceiling.js';
import { type Conventions, KINDS, VALUES } from '../../../lib/dist/data/sources/synthetic/conventions.js';
import { answer, kindOf } from '../../../lib/dist/data/sources/synthetic/questions.js';
import { type SyntheticHistory, syntheticHistories, syntheticRepositories, syntheticSource } from '../../../lib/dist/data/sources/synthetic/synthetic.js';
import { curateStatic } from '../../../lib/dist/data/static-track.js';
import { sourceFiles } from '../../../lib/dist/data/tests-files.js';
import type { History, Repository, SourceFile, Task } from '../../../lib/dist/data/types.js';
import { strictExactMatch } from '../../../lib/dist/eval/exact-match.js';

const COUNT = 60, SEED = 3407;
const folder = mkdtempSync(join(tmpdir(), 'synthetic-'));
const histories = syntheticHistories(COUNT, SEED);
/** All tasks of the head snapshots. */
let tasks: Task[];

before(async () => {
  await openParser();
  tasks = syntheticRepositories(COUNT, SEED).flatMap((repo) => curateStatic(repo, { seed: 1, maxTasks: 200 }).tasks);
});
after(() => rmSync(folder, { recursive: true }));

const ofSplit = (split: string) => tasks.filter((task) => task.split === split);
const head = (history: SyntheticHistory) => history.revisions.at(-1)!;
const historyOf = new Map(histories.map((history) => [history.id, history]));
const key = (conventions: Conventions) => KINDS.map((kind) => conventions[kind]).join(' ');
const text = (files: readonly SourceFile[]) => files.map((file) => Buffer.from(file.bytes).toString('utf8')).join('\n');
const share = (some: readonly Task[], predict: (task: Task) => string) =>
  some.filter((task) => strictExactMatch(predict(task), task.target)).length / some.length;

function groups<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const all = new Map<string, T[]>();
  for (const item of items) all.set(keyOf(item), [...(all.get(keyOf(item)) ?? []), item]);
  return all;
}

/** Tasks of one revision, as the static track cuts them. */
function tasksAt(history: SyntheticHistory, revision: number): Task[] {
  const repo = { id: history.id, commit: String(revision), licence: 'MIT', split: history.split, files: [...history.revisions[revision]!.files] };
  return curateStatic(repo, { seed: 1, maxTasks: 200 }).tasks;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const git = (gitDir: string, ...args: string[]) => execFileSync('git', [`--git-dir=${gitDir}`, ...args], { maxBuffer: 1 << 26 });
const commits = ({ gitDir, head }: History) => git(gitDir, 'rev-list', '--reverse', head).toString().trim().split('\n');

function checkout({ gitDir, id }: History, commit: string): string {
  const path = join(folder, 'trees', `${id}-${commit}`);
  mkdirSync(path, { recursive: true });
  execFileSync('tar', ['-x', '-C', path], { input: git(gitDir, 'archive', commit) });
  return path;
}

/** Outcomes by test, of the tests in one folder run against the package in another. */
function runTests(pairs: [packageFolder: string, testsFolder: string][]): Record<string, string>[] {
  const input = pairs.map((pair) => pair.join(' ')).join('\n');
  const out = execFileSync('.venv/bin/python', ['test/data/sources/synthetic_oracle.py'], { input, encoding: 'utf8' });
  return out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, string>);
}

test('every candidate but one is a task, true to its file, and the source holds each convention many times', () => {
  for (const repo of syntheticRepositories(COUNT, SEED)) {
    const curated = curateStatic(repo, { seed: 1, maxTasks: 200 });
    assert.deepEqual(curated.drops, historyOf.get(repo.id)!.style === 'pytest' ? { not_comparison: 1 } : { not_literal: 1 });
    assert.ok(curated.tasks.length >= 30);
    const files = new Map(repo.files.map(({ path, bytes }) => [path, bytes]));
    for (const task of curated.tasks) assert.equal(checkTask(task, files.get(task.file)!), null, task.id);
    const source = text(sourceFiles(repo));
    const own = head(historyOf.get(repo.id)!).conventions;
    for (const kind of KINDS) {
      for (const value of VALUES[kind]) {
        const times = source.match(new RegExp(`(?<![\\w"])${value}(?![a-zA-Z0-9"])`, 'g'))?.length ?? 0;
        assert.ok(value === own[kind] ? times >= 10 : times === 0, `${repo.id}: ${value} stands ${times} times`);
      }
    }
  }
});

test('the oracle answers everything, and no prefix holds a value of what it asks for', () => {
  assert.equal(share(tasks, (task) => answer(task, head(historyOf.get(task.repo)!).conventions) ?? ''), 1);
  assert.deepEqual(new Set(tasks.map(kindOf)), new Set(KINDS));
  assert.equal(answer({ testFunction: 'TestIt.test_it', family: 'unittest' }, head(histories[0]!).conventions), undefined);
  for (const task of tasks) {
    const words = task.prefix.split(/[^\w"-]+|_/);
    for (const value of VALUES[kindOf(task)!]) assert.ok(!words.includes(value), `${task.id}: ${value}`);
  }
});

test('the ceiling is that of the best constants', () => {
  const task = (repo: string, prefix: string, target: string) => ({ ...tasks[0]!, repo, prefix, target });
  const some = [task('a', 'p', '1'), task('b', 'p', '1'), task('c', 'p', '2'), task('c', 'q', '3'), task('c', 'q', '4')];
  assert.deepEqual(ceiling(some), { withoutRepository: 3 / 5, withRepository: 4 / 5 });
  assert.deepEqual(ceiling([]), { withoutRepository: 0, withRepository: 0 });
});

test('who sees the prefix alone is right in under half, and no predictor beats the ceiling', () => {
  const training = ofSplit('train');
  const prefixOf = (task: Task) => task.prefix;
  for (const alike of groups(tasks, prefixOf).values()) assert.ok(new Set(alike.map(({ repo }) => repo)).size >= 10, alike[0]!.prefix);

  /** Answers as most tasks do that look alike; undefined for what was never seen. */
  const fit = (some: readonly Task[], seen: (task: Task) => string) => {
    const answers = new Map([...groups(some, seen)].map(([key, alike]) =>
      [key, [...groups(alike, ({ target }) => target)].sort((a, b) => b[1].length - a[1].length)[0]![0]]));
    return (task: Task) => answers.get(seen(task)) ?? '';
  };
  const wordsOf = (prefix: string) => new Set(prefix.split(/\W+/));
  const constant = fit(training, prefixOf);
  const examples = [...groups(training, prefixOf).values()].map(([task]) => ({ words: wordsOf(task!.prefix), target: constant(task!) }));
  const nearest = (task: Task) => {
    const words = wordsOf(task.prefix);
    const common = (other: Set<string>) => [...other].filter((word) => words.has(word)).length / new Set([...other, ...words]).size;
    return examples.reduce((best, other) => (common(other.words) > common(best.words) ? other : best)).target;
  };
  for (const split of ['train', 'cr_val', 'cr_test']) {
    const some = ofSplit(split);
    const { withoutRepository, withRepository } = ceiling(some);
    assert.equal(withRepository, 1);
    assert.ok(withoutRepository >= 0.25 && withoutRepository < 0.4, `${split}: ${withoutRepository}`);
    assert.equal(share(some, fit(some, prefixOf)), withoutRepository);
    // One answer for each kind of question and family, whatever the module: how often a whole convention can be guessed.
    for (const predict of [nearest, constant, fit(some, (task) => `${kindOf(task)} ${task.family}`)]) {
      assert.ok(share(some, predict) <= withoutRepository, split);
    }
  }
  // The nearest-prefix predictor is a real one: on its own training tasks it reaches what a prefix can give.
  assert.equal(share(training, nearest), ceiling(training).withoutRepository);
});

test('held-out combinations are new at every commit, and all their values are known', () => {
  for (const count of [24, COUNT]) {
    const all = syntheticHistories(count, SEED);
    const splits = all.map(({ split }) => split);
    assert.deepEqual(splits, [...splits].sort((a, b) => Number(a !== 'train') - Number(b !== 'train')), 'training first');
    const training = all.filter(({ split }) => split === 'train'), held = all.filter(({ split }) => split !== 'train');
    for (const split of ['cr_val', 'cr_test']) assert.ok(held.some((history) => history.split === split));
    const seen = new Set(training.flatMap(({ revisions }) => revisions.map(({ conventions }) => key(conventions))));
    for (const { revisions } of held) for (const { conventions } of revisions) assert.ok(!seen.has(key(conventions)));
    for (const style of ['pytest', 'unittest']) {
      const heads = training.filter((history) => history.style === style).map(head);
      for (const kind of KINDS) {
        assert.deepEqual(new Set(heads.map(({ conventions }) => conventions[kind])), new Set(VALUES[kind]), `${style} ${kind}`);
      }
    }
  }
});

test('a commit that changes a convention changes it everywhere, and the old conventions fail on that kind alone', () => {
  let changes = 0;
  for (const history of histories.slice(0, 8)) {
    history.revisions.forEach(({ changed, conventions }, i) => {
      const now = tasksAt(history, i);
      assert.equal(share(now, (task) => answer(task, conventions) ?? ''), 1);
      if (i === 0) return;
      const old = history.revisions[i - 1]!.conventions;
      assert.deepEqual(KINDS.filter((kind) => old[kind] !== conventions[kind]), changed ? [changed] : []);
      const before = tasksAt(history, i - 1);
      const wrong = now.filter((task) => !strictExactMatch(answer(task, old)!, task.target));
      assert.deepEqual(wrong.map(({ id }) => id), now.filter((task) => kindOf(task) === changed).map(({ id }) => id));
      if (changed) {
        changes++;
        assert.ok(wrong.length >= 2);
        assert.equal(now.length, before.length);
      } else {
        assert.ok(now.length > before.length);
      }
    });
  }
  assert.ok(changes >= 16);
  const everything = histories.flatMap((history) => history.revisions.flatMap((_, i) => (i % 4 === 0 ? tasksAt(history, i) : [])));
  const { withoutRepository, withRepository } = ceiling(everything);
  assert.ok(withoutRepository < 0.4 && withRepository === 1, String(withoutRepository));
});

test('git has the histories, one commit a day, and Python passes their tests', async () => {
  const count = 12;
  const made = syntheticHistories(count, SEED);
  const source = syntheticSource(count, SEED, join(folder, 'git'), silent);
  const written = await collect(source.histories());
  assert.deepEqual(written.map(({ id, split }) => [id, split]), made.map(({ id, split }) => [id, split]));
  const pairs: [string, string][] = [], expected: { changed: string | undefined; tests: number }[] = [];
  written.forEach((history, n) => {
    const { revisions } = made[n]!;
    const ids = commits(history);
    assert.equal(ids.at(-1), history.head);
    const times = git(history.gitDir, 'log', '--reverse', '--first-parent', '--format=%ct', history.head).toString().trim().split('\n').map(Number);
    assert.equal(times.length, revisions.length);
    assert.ok(times.length >= 10);
    times.forEach((time, i) => assert.ok(time < Date.UTC(2025, 3, 1) / 1000 && (i === 0 || time - times[i - 1]! === 86_400)));
    const count = (i: number) => tasksAt(made[n]!, i).length + 1; // and test_core
    for (const i of [0, ids.length - 1]) {
      const tree = checkout(history, ids[i]!);
      pairs.push([tree, tree]);
      expected.push({ changed: undefined, tests: count(i) });
    }
    const change = revisions.findIndex(({ changed }) => changed);
    pairs.push([checkout(history, ids[change]!), checkout(history, ids[change - 1]!)]);
    expected.push({ changed: revisions[change]!.changed, tests: count(change) });
  });
  runTests(pairs).forEach((outcomes, i) => {
    const { changed, tests } = expected[i]!;
    assert.equal(Object.keys(outcomes).length, tests);
    for (const [name, outcome] of Object.entries(outcomes)) {
      // Tests of the commit before a change, run against the source after it, fail where the convention is asked for.
      assert.equal(outcome !== 'passed', name.endsWith(`_${changed}`), `${pairs[i]!.join(' ')} ${name}: ${outcome}`);
    }
  });
  const snapshots: Repository[] = await collect(source.snapshots());
  assert.deepEqual(snapshots.map(({ id, commit }) => [id, commit]), written.map(({ id, head }) => [id, head]));
  assert.deepEqual(snapshots.map(({ files }) => files), syntheticRepositories(count, SEED).map(({ files }) => files));
});

test('the same seed gives the same commits, another seed others', async () => {
  const heads = async (seed: number, cache: string) => (await collect(syntheticSource(3, seed, join(folder, cache), silent).histories())).map(({ head }) => head);
  const first = await heads(1, 'first');
  assert.deepEqual(await heads(1, 'second'), first);
  assert.deepEqual(await heads(1, 'first'), first, 'found in the cache');
  const other = await heads(2, 'first');
  assert.ok(other.every((id) => !first.includes(id)));
  assert.deepEqual(syntheticRepositories(4, 7), syntheticRepositories(4, 7));
});
