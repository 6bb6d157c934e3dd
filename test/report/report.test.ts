/** Tables and figures from made-up predictions: right numbers, right rows, files that hold up, and a missing browser. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Prediction, exportFigure, findChromium, lossCurve, mainResult, mainTable, readPublished, summarise, toCsv, toHtml, toLatex, toMarkdown,
} from 'code2lora';
import { syntheticPredictions } from './synthetic.js';

const predictions = syntheticPredictions();
const summary = summarise(predictions);
const table = mainTable(summary, readPublished());

test('a row a method, adapter and suite; means as computed by hand', () => {
  assert.equal(summary.length, 10);
  for (const row of summary) {
    const own = predictions.filter((p) => p.method === row.method && p.adapter === row.adapter && p.suite === row.suite);
    const mean = own.filter((p) => p.strictEM).length / own.length;
    assert.ok(Math.abs(row.strictEM.mean - mean) < 1e-12);
    assert.ok(row.strictEM.low < mean && mean < row.strictEM.high);
    assert.deepEqual([row.strictEM.tasks, row.strictEM.repositories, row.seeds], [960, 12, 1]);
  }
});

test('a task under two seeds counts once, with its average', () => {
  const first = predictions.filter((p) => p.method === 'pretrained').map((p): Prediction => ({ ...p, strictEM: true }));
  const second = first.map((p): Prediction => ({ ...p, seed: p.seed + 1, strictEM: false }));
  const row = summarise([...first, ...second])[0]!;
  assert.deepEqual([row.seeds, row.strictEM.tasks, row.strictEM.mean], [2, 960, 0.5]);
});

test('no predictions give an empty table', () => {
  assert.deepEqual(mainTable(summarise([]), readPublished()).rows, []);
});

test('the table has the paper\'s rows and numbers, controls without', () => {
  assert.deepEqual(table.rows.map((row) => row.label), ['Pretrained', 'Single LoRA', 'Code2LoRA-Static', "other repository's adapter", 'average adapter']);
  assert.deepEqual(table.rows.map((row) => row.CR.paperEM), [45.7, 47.4, 63.8, undefined, undefined]);
  assert.deepEqual(table.rows.map((row) => row.IR.paperEM), [46.8, 50.4, 66.2, undefined, undefined]);
});

test('every format has as many cells in every row', () => {
  const markdown = toMarkdown(table).split('\n').filter((line) => line.startsWith('|'));
  assert.equal(markdown.length, 7);
  assert.ok(markdown.every((line) => line.split('|').length === 11));
  const csv = toCsv(table).trimEnd().split('\n');
  assert.ok(csv.every((line) => line.split(',').length === csv[0]!.split(',').length));
  const latex = toLatex(table).split('\n').filter((line) => line.includes('\\pm') && line.endsWith('\\\\'));
  assert.equal(latex.length, 5);
  assert.ok(latex.every((line) => line.split('&').length === 9));
  assert.equal(toHtml(table).match(/<td /g)?.length, 40);
});

test('one repository alone has no interval, and says so', () => {
  const single = mainTable(summarise(syntheticPredictions(1)), readPublished());
  assert.match(toMarkdown(single), /\| Pretrained \| \d+\.\d ± \? /);
  assert.ok(![toMarkdown(single), toCsv(single), toLatex(single), toHtml(single)].join('').includes('NaN'));
});

test('an unknown method is shown under its own name', () => {
  const rows = predictions.slice(0, 960).map((p): Prediction => ({ ...p, method: 'my-method' }));
  assert.deepEqual(mainTable(summarise(rows), readPublished()).rows.map((row) => row.label), ['my-method']);
});

test('the figure has a dot a row and suite, hollow for controls, all inside the axis', () => {
  const { data, layout } = mainResult(summary);
  assert.equal(data.length, 10);
  const fills = data.map((trace) => (trace['marker'] as { color: string }).color);
  assert.equal(fills.filter((color) => color === 'white').length, 4);
  const [low, high] = (layout['xaxis'] as { range: [number, number] }).range;
  for (const row of summary) assert.ok(100 * row.strictEM.low > low && 100 * row.strictEM.high < high);
});

test('export writes JSON, SVG, PNG and PDF one column wide', async (t) => {
  if (!findChromium()) return t.skip('no Chromium: install one to test figure export');
  const folder = mkdtempSync(join(tmpdir(), 'figures-'));
  try {
    const { files, skipped } = await exportFigure(mainResult(summary), join(folder, 'main'));
    assert.equal(skipped, undefined);
    assert.deepEqual(files.map((file) => file.slice(file.lastIndexOf('.'))), ['.json', '.svg', '.png', '.pdf']);
    assert.match(readFileSync(join(folder, 'main.svg'), 'utf8').slice(0, 200), /width="3\.3000in"/);
    assert.equal(readFileSync(join(folder, 'main.png')).readUInt32BE(16), 990, '3.3 in at 300 dpi');
    assert.equal(readFileSync(join(folder, 'main.pdf')).subarray(0, 5).toString(), '%PDF-');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('without a browser the JSON is written and the rest is said to be left out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'figures-'));
  const before = process.env['CHROMIUM_PATH'];
  process.env['CHROMIUM_PATH'] = join(folder, 'no-such-browser');
  try {
    const figure = lossCurve({ train: [{ step: 1, loss: 2 }, { step: 2, loss: 1 }], val: [{ step: 2, loss: 1.1 }], best: 2 });
    const { files, skipped } = await exportFigure(figure, join(folder, 'loss'));
    assert.deepEqual(files, [join(folder, 'loss.json')]);
    assert.match(skipped ?? '', /no Chromium was found/);
    assert.ok(!existsSync(join(folder, 'loss.svg')));
  } finally {
    if (before === undefined) delete process.env['CHROMIUM_PATH'];
    else process.env['CHROMIUM_PATH'] = before;
    rmSync(folder, { recursive: true });
  }
});
