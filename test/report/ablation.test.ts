/** Ablations from made-up predictions: numbers computed by hand, rows in order, what is drawn where, and files. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  ablationFigure, ablationRows, ablationTable, adapterDrift, byPosition, byPositionFigure, driftFigure, exportTable, type Prediction, toCsv, toMarkdown,
  trainingCurves,
} from 'code2lora';
import { tf } from '../../lib/dist/engine/tensorflow.js';
import { type Adapter, projections } from '../../lib/dist/lora/adapter.js';

/** One character a task: whether it was right. Tasks of each repository in order; `at` gives their commits. */
function answers(
  adapter: Prediction['adapter'], right: Record<string, string>, more: Partial<Prediction> = {}, at: readonly number[] = [],
): Prediction[] {
  return Object.entries(right).flatMap(([repo, text]) => [...text].map((character, i): Prediction => {
    const good = character === '1';
    return {
      taskId: `${repo}:${i}`, repo, track: 'static', suite: 'CR', commitIndex: at[i] ?? 0, method: 'code2lora-static', adapter, seed: 3407,
      target: 'x', prediction: good ? 'x' : 'y', strictEM: good, relaxedEM: good, editSimilarity: Number(good), codeBleu: Number(good), ...more,
    };
  }));
}

const mean = { name: 'mean', predictions: [...answers('own', { a: '1110', b: '1100' }), ...answers('other', { a: '1000', b: '1000' }), ...answers('random', { a: '0000', b: '0001' })] };
const max = { name: 'max', predictions: [...answers('own', { a: '0001', b: '1100' }), ...answers('other', { a: '0001', b: '1100' })] };
const close = (x: number | undefined, y: number): void => assert.ok(x !== undefined && Math.abs(x - y) < 1e-9, `${x} is not ${y}`);

test('means and paired differences as computed by hand', () => {
  const [first, second] = ablationRows([mean, max]);
  close(first?.scores.own?.mean, 5 / 8);
  close(first?.scores.other?.mean, 2 / 8);
  close(first?.scores.random?.mean, 1 / 8);
  close(first?.gain?.mean, 3 / 8);
  // Resamples hold a twice, both, or b twice: 2/4, 3/8 and 1/4 are all that can be.
  close(first?.gain?.low, 1 / 4);
  close(first?.gain?.high, 2 / 4);
  assert.equal(first?.change, undefined);
  close(second?.gain?.mean, 0);
  close(second?.change?.mean, -2 / 8);
  close(second?.change?.high, 0);
});

test('runs of one name are one choice under several seeds', () => {
  const again = { name: 'mean', predictions: answers('own', { a: '0000', b: '0000' }, { seed: 1 }) };
  const one = { name: 'mean', predictions: mean.predictions.filter((p) => p.adapter === 'own') };
  const rows = ablationRows([one, again]);
  assert.deepEqual(rows.map(({ choice, seeds }) => [choice, seeds]), [['mean', 2]]);
  close(rows[0]?.scores.own?.mean, 5 / 16);
  assert.match(ablationTable(rows, 'Pooling').note, /over repositories and training seeds/);
  assert.match(ablationTable(ablationRows([one]), 'Pooling').note, /one training seed/);
});

test('choices of unlike seeds are compared under those of both; of unlike tasks not at all', () => {
  const seeds = (name: string, list: readonly number[], a: string) => ({ name, predictions: list.flatMap((seed) => answers('own', { a, b: '1100' }, { seed })) });
  const [, more] = ablationRows([seeds('one', [3407], '1110'), seeds('three', [3407, 1, 2], '1000')]);
  close(more?.change?.mean, -2 / 8);
  assert.deepEqual([more?.change?.seeds, more?.seeds], [1, 3]);
  assert.match(ablationTable([more!, ...ablationRows([seeds('one', [3407], '1110')])], 'Pooling').note, /unlike numbers of training seeds/);
  const [, other] = ablationRows([seeds('one', [3407], '1110'), seeds('fewer tasks', [3407], '111')]);
  assert.equal(other?.change, undefined);
});

test('a method without an adapter, or without controls, has a row too', () => {
  const plain = { name: 'no adapter', predictions: answers('none', { a: '1000', b: '1000' }) };
  const rows = ablationRows([plain, mean]);
  close(rows[1]?.change?.mean, 3 / 8);
  assert.match(toMarkdown(ablationTable(rows, 'Method')), /\| no adapter \| 25\.0 ± 0\.0 \| – \| – \| – \|/);
});

test('with likelihoods: differences in nats, the ruler of the verdict and of the figure', () => {
  // A nat a token less where the answer is right: the rulers must agree here.
  const withNats = ({ name, predictions }: typeof mean) => ({
    name, predictions, likelihoods: predictions.map((p) => ({ ...p, targetTokens: 4, targetNats: p.strictEM ? 4 : 8, eosNats: 0 })),
  });
  const rows = ablationRows([withNats(mean), withNats(max)]);
  close(rows[0]?.gainNats?.difference.mean, 3 / 8);
  assert.equal(rows[0]?.gainNats?.gaining, 2);
  close(rows[1]?.changeNats?.difference.mean, -2 / 8);
  const table = ablationTable(rows, 'Pooling');
  assert.match(table.findings[0]!, /^CR, by log-likelihood: with “mean” the own adapter is better/);
  assert.match(table.findings[0]!, /with “max” \(\d\.\d{4} could have been seen\) the own adapter cannot be told/);
  assert.match(toMarkdown(table), /\+0\.3750 \[\+0\.2500, \+0\.5000\] \| 2 of 2 \|/);
  assert.match(JSON.stringify(ablationFigure(rows).layout), /Own − other \(nats\)/);
  // Likelihoods of some choices only: each verdict says which ruler it stands on, and the figure has the one that all have.
  assert.match(JSON.stringify(ablationFigure(ablationRows([withNats(mean), max])).layout), /Own − other \(points\)/);
  assert.deepEqual(ablationTable(ablationRows([withNats(mean), max]), 'Pooling').findings, [
    "CR, by log-likelihood: with “mean” the own adapter is better than another repository's.",
    "CR, by exact match: with “max” the own adapter cannot be told from another repository's.",
  ]);
});

test('choices of two tracks are refused', () => {
  const evolution = { name: 'evo', predictions: answers('own', { a: '1' }, { track: 'evolution' }) };
  assert.throws(() => ablationRows([mean, evolution]), /different tracks \(mean: static, evo: evolution\)/);
});

test('the table: a section a suite, a column a control that was run, bounds in the CSV, and what can be said', () => {
  const both = [mean, max].map(({ name, predictions }) => ({ name, predictions: [...predictions, ...predictions.map((p): Prediction => ({ ...p, suite: 'IR' }))] }));
  const table = ablationTable(ablationRows(both), 'Pooling');
  assert.deepEqual(table.sections.map(({ rows }) => rows.map(({ label }) => label)), [['mean', 'max'], ['mean', 'max']]);
  assert.deepEqual(table.groups[0]!.columns.map(({ key }) => key), ['own', 'other', 'random']);
  // Of another repository's and the average adapter people read; the others' scores are for the CSV.
  assert.match(toMarkdown(table), /Strict EM by adapter: own \| Strict EM by adapter: other \| Paired difference/);
  assert.match(table.note, /The CSV has the scores with the adapters of an empty repository and of a random vector too/);
  const [head, line] = toCsv(table).split('\n');
  assert.deepEqual(head!.split(',').slice(0, 5), ['suite', 'choice', 'own', 'own_low', 'own_high']);
  assert.ok(line!.startsWith('CR,mean,0.625000,0.500000,0.750000,'), line);
  assert.deepEqual(table.findings, ['CR', 'IR'].map((suite) =>
    `${suite}, by exact match: with “mean” the own adapter is better than another repository's; with “max” the own adapter cannot be told from another repository's.`));
});

test('the figure: every adapter at its score, marks of a row apart, and the difference in a panel of its own', () => {
  const { data, layout } = ablationFigure(ablationRows([mean, max])) as unknown as { data: Trace[]; layout: { height: number; yaxis: { ticktext: string[] } } };
  const named = (name: string): Trace => data.find((trace) => trace.name === name)!;
  assert.deepEqual(named('own').x, [62.5, 37.5]);
  assert.deepEqual(named('other repo').x, [25, 37.5]);
  assert.deepEqual(named('random').x, [12.5], 'max has no random control');
  assert.deepEqual([named('gain').x, named('gain').xaxis], [[37.5, 0], 'x2']);
  assert.deepEqual(layout.yaxis.ticktext, ['mean', 'max']);
  const places = ['own', 'other repo', 'random'].map((name) => named(name).y[0]!);
  const pixels = (layout.height - 150) / 2;
  assert.ok(places[1]! - places[0]! > 9 / pixels && places[2]! - places[1]! > 9 / pixels, 'no mark lies on another');
  assert.ok(places[0]! > -0.5 && places[2]! < 0.5, 'all within their row');
});

interface Trace {
  name: string;
  xaxis: string;
  x: number[];
  y: (number | null)[] & number[];
}

test('one repository alone has no interval: its mean is drawn without a line', () => {
  const figure = ablationFigure(ablationRows([{ name: 'alone', predictions: answers('own', { a: '10' }) }]));
  assert.ok(!JSON.stringify(figure.layout).includes('null'), 'axes have bounds');
  assert.deepEqual((figure.data as unknown as Trace[])[0]!.x, [50]);
});

test('positions: commits of a history in equal bins, the last commit in the last, own against the first kept', () => {
  const at = [0, 1, 2, 3, 4];
  const predictions = [
    ...answers('own', { a: '11011' }, { track: 'evolution' }, at), ...answers('first', { a: '11000' }, { track: 'evolution' }, at),
    ...answers('own', { b: '10' }, { track: 'evolution' }, [0, 2]), ...answers('first', { b: '10' }, { track: 'evolution' }, [0, 2]),
    ...answers('own', { single: '1' }, { track: 'evolution' }),
  ];
  const rows = byPosition([{ name: 'Evo', predictions }], new Map([['a', 5], ['b', 3], ['single', 1]]), { bins: 2 });
  // a: positions 0, 0.25 | 0.5, 0.75, 1; b: 0 | 1.
  const own = rows.filter(({ adapter }) => adapter === 'own');
  assert.deepEqual(own.map(({ from, to, score }) => [from, to, score.tasks]), [[0, 0.5, 3], [0.5, 1, 4]]);
  close(own[0]?.score.mean, 1);
  close(own[1]?.score.mean, 2 / 4);
  close(own[0]?.gain?.mean, 0);
  close(own[1]?.gain?.mean, 2 / 4);
  const first = rows.filter(({ adapter }) => adapter === 'first');
  close(first[1]?.score.mean, 0);
  assert.throws(() => byPosition([{ name: 'Evo', predictions }], new Map([['a', 5]]), { bins: 2 }), /How many commits b has/);

  const { data } = byPositionFigure(rows) as unknown as { data: Trace[] };
  assert.deepEqual(data.map(({ name, y }) => [name, y]), [['Evo', [100, 50]], ['Evo, first kept', [100, 0]], ['Evo', [0, 50]]]);

  // A nat a token less where the answer is right: the same gains, and what the lower panel shows.
  const likelihoods = predictions.map((p) => ({ ...p, targetTokens: 3, targetNats: p.strictEM ? 3 : 6, eosNats: 0 }));
  const byNats = byPosition([{ name: 'Evo', predictions, likelihoods }], new Map([['a', 5], ['b', 3], ['single', 1]]), { bins: 2 });
  close(byNats.find(({ adapter, from }) => adapter === 'own' && from === 0.5)?.gainNats?.difference.mean, 2 / 4);
  const traces = byPositionFigure(byNats) as unknown as { data: Trace[] };
  assert.deepEqual(traces.data.at(-1)!.y, [0, 0.5]);
});

/** An adapter of one layer whose factors are `scale` times a fixed pattern, but for q_proj, which can be turned. */
function adapter(scale: number, turned = false): Adapter {
  const values = (rows: number, columns: number, shift: number) =>
    tf.tensor2d(Array.from({ length: rows * columns }, (_, i) => scale * Math.sin(i + shift)), [rows, columns]);
  return {
    rank: 2, alpha: 4, depth: 1,
    layers: [Object.fromEntries(projections.map((p, i) => [p, { a: values(2, 3, i), b: values(4, 2, i + (turned && p === 'q_proj' ? 1.5 : 0.5)) }])) as Adapter['layers'][number]],
  };
}

/** B·A of all projections, element by element. */
function change({ layers }: Adapter): number[] {
  return layers.flatMap((layer) => projections.flatMap((p) => {
    const a = layer[p].a.arraySync() as number[][], b = layer[p].b.arraySync() as number[][];
    return b.flatMap((row) => a[0]!.map((_, column) => row.reduce((sum, x, k) => sum + x * a[k]![column]!, 0)));
  }));
}

test('drift: cosines of B·A as computed without the short cut', () => {
  const list = [adapter(1), adapter(2), adapter(1, true)];
  const drift = adapterDrift(list);
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  const cosine = (x: number[], y: number[]) => dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
  const near = (x: number | undefined, y: number) => assert.ok(Math.abs(x! - y) < 1e-5, `${x} is not ${y}`);
  const [one, two, three] = list.map(change);
  assert.equal(drift[0]!.toPrevious, undefined);
  near(drift[1]!.toPrevious, 1);
  near(drift[2]!.toPrevious, cosine(two!, three!));
  near(drift[2]!.toFirst, cosine(one!, three!));
  assert.ok(drift[2]!.toFirst < 0.99, 'a turned factor is another adapter');
  assert.equal(driftFigure({ Evo: drift, Static: drift }).data.length, 4);
});

test('curves of several trainings; a run that trained nothing is left out', () => {
  const record = { losses: [{ step: 10, validation: 2 }, { step: 20, validation: 1.5 }, { step: 30, validation: 1.7 }], bestStep: 20 };
  const { data } = trainingCurves([{ name: 'film', record }, { name: 'pretrained', record: { losses: [], bestStep: 0 } }]) as unknown as { data: Trace[] };
  assert.deepEqual(data.map(({ x, y }) => [x, y]), [[[10, 20, 30], [2, 1.5, 1.7]], [[20], [1.5]]]);
  assert.throws(() => trainingCurves([]), /None of these runs trained/);
});

test('the table as files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ablation-'));
  try {
    const table = ablationTable(ablationRows([mean, max]), 'Pooling');
    const files = exportTable(table, join(folder, 'tables', 'pooling'));
    assert.deepEqual(files.map((path) => path.slice(-3)), ['.md', 'csv', 'tex']);
    assert.equal(readFileSync(files[0]!, 'utf8'), toMarkdown(table));
    assert.match(readFileSync(files[2]!, 'utf8'), /\\begin\{tabular\}/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
