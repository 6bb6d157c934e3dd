/** Tables 1, 5, 6, 7 and Figure 2 of a made-up dataset: numbers as duckdb computes them from its parquet, lines as the paper has them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  commitTimes, compositionTable, countSplits, detailedSplitTable, lengthTable, readPublishedDataset, splitTable, tokenLengths,
} from 'code2lora';
import { DatasetWriter, readCommitRows, readTaskRows } from '../../lib/dist/data/dataset/dataset.js';
import { type Suite, SUITES, splitsOf, type TableKind, tablePath } from '../../lib/dist/data/dataset/suites.js';
import type { AssertionFamily, Commit, Repository, TargetKind, Task } from '../../lib/dist/data/types.js';
import { UserError } from '../../lib/dist/store/errors.js';
import { Random } from '../../lib/dist/store/random.js';

const FAMILIES: AssertionFamily[] = ['assert', 'assert', 'assert', 'unittest', 'pytest.raises', 'pytest.approx', 'numpy'];
const KINDS: TargetKind[] = ['bool', 'none', 'string', 'numeric', 'numeric', 'collection', 'call', 'variable', 'complex'];
/** As in a corpus without enough history: the tables must show a dash. */
const ABSENT: Suite = 'ir_val';

const folder = mkdtempSync(join(tmpdir(), 'dataset-tables-'));
const published = readPublishedDataset();
const paper = JSON.parse(readFileSync('data/paper/tables.json', 'utf8')) as Record<string, never>;
const tasks = () => rows<Task>('qna', readTaskRows);
const commits = () => rows<Commit>('commits', readCommitRows);

interface Oracle {
  /** By suite: tasks, repositories, commits. */
  tasks: Record<string, [number, number, number]>;
  /** By suite: repositories, commits. */
  commits: Record<string, [number, number]>;
  families: [string, string, number][];
  kinds: [string, string, number][];
  lengths: Record<'prefix' | 'target', number[]>;
  months: [string, string, number][];
}
let oracle: Oracle;

before(async () => {
  await writeDataset();
  const python = existsSync('.venv/bin/python') ? '.venv/bin/python' : 'python3';
  oracle = JSON.parse(execFileSync(python, ['test/report/dataset_oracle.py', folder], { encoding: 'utf8' })) as Oracle;
});
after(() => rmSync(folder, { recursive: true }));

async function* rows<T>(kind: TableKind, read: (path: string) => AsyncIterable<T>): AsyncIterable<T> {
  for (const path of SUITES.map((suite) => tablePath(folder, kind, suite)).filter(existsSync)) yield* read(path);
}

/** Some commits have no task, and ids of commits repeat between repositories. */
async function writeDataset(): Promise<void> {
  const random = new Random(11);
  const writer = new DatasetWriter(folder);
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!;
  for (const suite of SUITES.filter((name) => name !== ABSENT)) {
    for (let r = 0; r < 3 + random.below(4); r++) {
      const place = { repo: `owner/${suite.startsWith('ir') ? 'train' : suite}-${r}`, ...splitsOf(suite) };
      for (let index = 0; index < 1 + random.below(9); index++) {
        const year = suite === 'ood_test' ? 2025 : 2019 + random.below(6);
        const month = String((suite === 'ood_test' ? 4 : 1) + random.below(9)).padStart(2, '0');
        const id = `${suite}-${index}`;
        await writer.commit({ ...place, index, id, time: `${year}-${month}-17T23:59:59Z`, diff: '', added: 1, modified: 0 });
        const n = random.below(5);
        for (let i = 0; i < n; i++) {
          await writer.task({
            ...place, id: `${place.repo}@${id}:${i}`, commit: id, commitIndex: index, event: 'added', file: 'tests/test_a.py', testFunction: 'test_a',
            family: pick(FAMILIES), targetKind: pick(KINDS), byteStart: 0, byteEnd: 1, line: 1,
            prefix: `é${'p'.repeat(random.below(500))}`, target: 't'.repeat(1 + random.below(20)),
          });
        }
      }
    }
  }
  await writer.close();
}

type Row = Record<string, string | number | null>;
const objects = (table: { objects(): object[] }): Row[] => table.objects() as Row[];
const close = (actual: unknown, expected: number | undefined, what: string): void =>
  assert.ok(typeof actual === 'number' && expected !== undefined && Math.abs(actual - expected) < 1e-9 * Math.max(1, expected), `${what}: ${String(actual)}, not ${expected}`);

/** Our line of every label, and the paper's line below it. */
function pairs(table: { objects(): object[] }, ...labels: string[]): { label: string; ours: Row; paper: Row | undefined }[] {
  const all = objects(table);
  return all.flatMap((ours, i) => {
    if (ours['numbers'] !== 'ours') return [];
    const next = all[i + 1];
    return [{ label: labels.map((name) => ours[name]).join(': '), ours, paper: next?.['numbers'] === 'paper' ? next : undefined }];
  });
}

/** The paper's rows as its file has them, in order, with our word for its `qnas`. */
function expectPaper(table: { objects(): object[] }, lines: Record<string, string | number>[]): void {
  const numbersOf = (row: object): [string, unknown][] => Object.entries(row).filter(([, value]) => typeof value === 'number');
  const shown = objects(table).filter((row) => row['numbers'] === 'paper').map(numbersOf);
  assert.deepEqual(shown, lines.map((line) => numbersOf(line).map(([key, value]) => [key.replace('qnas', 'tasks').replaceAll('_', ' '), value])));
}

const suiteOfLine: Record<string, string> = { 'train (Evo)': 'train', 'train (Evo, 8-cap)': 'train', 'CR val': 'cr_val', 'CR test': 'cr_test', 'IR val': 'ir_val', 'IR test': 'ir_test', 'OOD test': 'ood_test', train: 'train' };

test('Tables 1 and 5: the paper\'s lines and columns; our counts as duckdb has them, in both tracks', async () => {
  const counts = { static: await countSplits(tasks()), evolution: await countSplits(tasks(), commits()) };
  const [first, fifth] = [splitTable(counts, published), detailedSplitTable(counts, published)];
  const { table1, table5 } = paper as unknown as Record<'table1' | 'table5', Record<string, Record<string, string | number>[]>>;
  const lines1 = [...table1['static']!, ...table1['evolution']!, ...table1['ood']!], lines5 = [...table5['static']!, ...table5['evolution']!];
  expectPaper(first, lines1);
  expectPaper(fifth, lines5);
  let compared = 0;
  for (const [table, lines] of [[first, lines1], [fifth, lines5]] as const) {
    assert.deepEqual(pairs(table, 'split').map(({ label }) => label), lines.map(({ split }) => split));
    for (const { ours } of pairs(table)) {
      const suite = suiteOfLine[String(ours['split'])];
      const found = suite === undefined ? undefined : oracle.tasks[suite];
      if (!suite || !found) {
        assert.equal(ours['tasks'], null, `${String(ours['split'])} has no number`);
        continue;
      }
      const [n, reposWithTasks, commitsWithTasks] = found;
      const [repos, kept] = ours['track'] === 'static' ? [reposWithTasks, commitsWithTasks] : oracle.commits[suite]!;
      assert.deepEqual([ours['tasks'], ours['repos'], ours['commits']], [n, repos, kept], `${String(ours['track'])} ${suite}`);
      close(ours['tasks per repo'], n / repos, 'tasks per repo');
      if (table === fifth) {
        close(ours['commits per repo'], kept / repos, 'commits per repo');
        close(ours['tasks per commit'], n / kept, 'tasks per commit');
      }
      compared++;
    }
  }
  assert.equal(compared, 4 + 5 + 5 + 5);
  assert.ok(Object.entries(oracle.commits).some(([suite, [, kept]]) => kept > oracle.tasks[suite]![2]), 'the dataset has commits without tasks');
});

test('a track that was not curated has dashes only', () => {
  const table = splitTable({}, published);
  assert.ok(pairs(table).every(({ ours }) => ours['repos'] === null && ours['tasks per repo'] === null));
});

test('Table 6: shares as duckdb has them, a line for numpy-like that the paper has not', async () => {
  const table = await compositionTable(tasks(), published);
  const lines = pairs(table, 'of', 'label');
  const { table6 } = paper as unknown as { table6: Record<'family' | 'target_type', Record<string, string | number>[]> };
  assert.deepEqual(lines.map(({ label }) => label), [
    ...table6.family.map(({ label }) => `family: ${label}`), 'family: numpy-like', ...table6.target_type.map(({ label }) => `target type: ${label}`),
  ]);
  expectPaper(table, [...table6.family, ...table6.target_type]);
  assert.deepEqual(lines.filter((line) => !line.paper).map(({ label }) => label), ['family: numpy-like']);
  const share = (suite: string, of: [string, string, number][], keys: string[]) =>
    of.filter(([own, key]) => own === suite && keys.includes(key)).reduce((sum, [, , percent]) => sum + percent, 0);
  const groups: [string, keyof Pick<Oracle, 'families' | 'kinds'>, string[]][] = [
    ['family: assert', 'families', ['assert']], ['family: self.assert*', 'families', ['unittest']],
    ['family: pytest.*', 'families', ['pytest.raises', 'pytest.approx']], ['family: numpy-like', 'families', ['numpy']],
    ['target type: numeric literal', 'kinds', ['numeric']], ['target type: bool/none literal', 'kinds', ['bool', 'none']],
    ['target type: string literal', 'kinds', ['string']], ['target type: variable', 'kinds', ['variable']],
    ['target type: collection', 'kinds', ['collection']], ['target type: function call', 'kinds', ['call']],
    ['target type: complex expression', 'kinds', ['complex']],
  ];
  assert.equal(groups.length, lines.length);
  for (const [label, of, keys] of groups) {
    const { ours } = lines.find((line) => line.label === label)!;
    for (const [column, suite] of [['train', 'train'], ['CR test', 'cr_test'], ['IR test', 'ir_test']] as const) {
      close(ours[column], share(suite, oracle[of], keys), `${label}, ${column}`);
    }
  }
});

test('Table 7: lengths as duckdb has them; a repository without its tests; a dash for dependency context', async () => {
  const file = (path: string, text: string) => ({ path, bytes: Buffer.from(text) });
  const repository = (id: string, size: number): Repository => ({
    id, commit: '1', licence: 'MIT', split: 'train',
    files: [file('a.py', 'x'.repeat(size - 3)), file('pkg/b.py', 'é=1'), file('tests/test_a.py', 'x'.repeat(999)), file('README.md', 'x'.repeat(999))],
  });
  // Code points stand for tokens: duckdb counts those too.
  const lengths = await tokenLengths(tasks(), [repository('a', 100), repository('b', 300)], { encode: (text) => Array.from(text, () => 0) });
  const table = lengthTable(lengths, published);
  const { table7 } = paper as unknown as { table7: { rows: Record<string, string | number>[] } };
  expectPaper(table, table7.rows);
  const lines = new Map(pairs(table, 'component').map(({ label, ours }) => [label, ours]));
  assert.deepEqual([...lines.keys()], table7.rows.map(({ component }) => component));
  const columns = ['mean', 'median', 'std', 'p75', 'p95', 'p99', 'max'];
  for (const component of ['prefix', 'target'] as const) {
    columns.forEach((column, i) => close(lines.get(component)![column], oracle.lengths[component][i], `${component} ${column}`));
  }
  const size = lines.get('repo size')!;
  assert.deepEqual([size['mean'], size['median'], size['p75'], size['max']], [200, 200, 250, 300]);
  assert.ok(columns.every((column) => lines.get('DRC context')![column] === null));
});

test('one repository has no standard deviation, none has a dash', () => {
  const [size, , prefix] = pairs(lengthTable({ 'repo size': [7], prefix: [] }, published));
  assert.deepEqual([size!.ours['mean'], size!.ours['std'], size!.ours['max']], [7, null, 7]);
  assert.equal(prefix!.ours['mean'], null);
});

interface Bars {
  x: string[];
  y: number[];
}

test('Figure 2: each split\'s commits stand in bars of whole quarters as duckdb counts them, none across the cut-off', async () => {
  const { data, layout } = await commitTimes(commits(), '2025-04-01');
  const splits = ['train', 'cr_val', 'cr_test', 'ood_test'];
  assert.equal(data.length, splits.length);
  assert.match(JSON.stringify(layout['xaxis']), /Kept commits per quarter"/);
  splits.forEach((split, row) => {
    const expected = new Map<string, number>();
    for (const [own, month, count] of oracle.months.filter(([own]) => own === split)) {
      assert.equal(own, split);
      const quarter = `${month.slice(0, 5)}${String(1 + 3 * Math.floor((Number(month.slice(5)) - 1) / 3)).padStart(2, '0')}-01`;
      expected.set(quarter, (expected.get(quarter) ?? 0) + count);
    }
    const { x, y } = data[row] as unknown as Bars;
    assert.deepEqual(x.map((start, i) => [start, y[i]]), [...expected].sort(([a], [b]) => (a < b ? -1 : 1)));
    assert.ok(x.every((start) => (start >= '2025-04-01') === (split === 'ood_test')));
  });
});

test('Figure 2 of a short, a long and an empty history; times that cannot be read are counted, a wrong cut-off is refused', async () => {
  const of = (...times: string[]) => commitTimes(times.map((time) => ({ split: 'train', time })), '2025-04-01');
  const short = await of('2025-03-01T00:00:00Z', '2025-03-31T23:59:59Z', '', 'yesterday');
  const { x, y } = short.data[0] as unknown as Bars;
  assert.deepEqual([x, y], [['2025-03-01'], [2]]);
  assert.match(JSON.stringify(short.layout), /per month \(2 without a time left out\)/);
  const long = await of('1991-02-20T00:00:00Z', '2025-03-31T23:59:59Z', '2025-04-01T00:00:00Z');
  assert.deepEqual((long.data[0] as unknown as Bars).x, ['1990-04-01', '2024-04-01', '2025-04-01']);
  assert.match(JSON.stringify(long.layout), /per year/);
  assert.deepEqual((await of()).data, []);
  await assert.rejects(commitTimes([], 'soon'), UserError);
});

test('the paper\'s tables missing or cut short are said so, with what to do', () => {
  const missing = join(folder, 'none.json');
  assert.throws(() => readPublishedDataset(missing), (error) => error instanceof UserError && error.message.includes(missing) && error.message.includes('git checkout'));
  writeFileSync(missing, JSON.stringify({ ...paper, table7: undefined }));
  assert.throws(() => readPublishedDataset(missing), (error) => error instanceof UserError && error.message.includes('it has no table7'));
});
