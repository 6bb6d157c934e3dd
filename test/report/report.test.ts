/** Tables and figures from made-up runs: right rows, the paper's numbers, formats that hold up, and a missing browser. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  countErrors, efficiencyTable, errorFigure, errorTable, exportFigure, findChromium, lossCurve, mainResult, oodResult, oodTable, ownVsOther, ownVsOtherFigure,
  ownVsOtherTable, perRepositoryFigure, perRepositoryTable, type Prediction, readPublished, type ReportTable, summarise, toCsv, toHtml, toLatex, toMarkdown,
  trackTable,
} from 'code2lora';
import { predictionsOf, syntheticRuns } from './synthetic.js';

const runs = syntheticRuns();
const predictions = predictionsOf(runs);
const summary = summarise(predictions);
const published = readPublished();
const likelihoods = runs.flatMap((run) => run.likelihoods);
const comparisons = ownVsOther(predictions, likelihoods);
const errors = await countErrors(predictions);
const tables = {
  static: trackTable(summary, 'static', published), evolution: trackTable(summary, 'evolution', published), ood: oodTable(summary, published)!,
  own: ownVsOtherTable(comparisons), repositories: perRepositoryTable(predictions, published), errors: errorTable(errors, published),
  efficiency: efficiencyTable(runs.map(({ record }) => record), published),
};
const rowsOf = (table: ReportTable) => table.sections.flatMap(({ rows }) => rows);
const column = (table: ReportTable, key: string) => rowsOf(table).map(({ values }) => values[key]);

test('the paper\'s order of methods, each with its controls in theirs', () => {
  assert.deepEqual(rowsOf(tables.static).map(({ label }) => label), [
    'Pretrained', 'RAG', 'Single LoRA', 'Per-repo LoRA', 'Code2LoRA-Static', 'other repository\'s adapter', 'average adapter', 'empty repository\'s adapter',
    'random vector\'s adapter',
  ]);
  assert.deepEqual(rowsOf(tables.evolution).map(({ label }) => label), [
    'Pretrained', 'Code2LoRA-Evo', 'first commit\'s adapter, kept', 'other repository\'s adapter', 'average adapter',
  ]);
  assert.deepEqual(rowsOf(tables.static).map(({ ids }) => ids['seeds']), [1, 1, 3, 3, 3, 3, 3, 3, 3]);
});

test('the paper\'s EM is its relaxed one, of the right table, and controls have none', () => {
  const { table2, table3, table4 } = JSON.parse(readFileSync('data/paper/tables.json', 'utf8')) as typeof published;
  const of = (list: { method: string; CR: { EM: number } | null }[], method: string) => list.find((row) => row.method === method)!.CR!.EM / 100;
  assert.deepEqual(column(tables.static, 'CR_paper_relaxed_EM'), [
    of(table2.rows, 'Pretrained'), of(table2.rows, 'RAG (k=3)'), of(table2.rows, 'Single LoRA'), undefined, of(table2.rows, 'Code2LoRA-Static'),
    undefined, undefined, undefined, undefined,
  ]);
  assert.deepEqual(column(tables.evolution, 'CR_paper_relaxed_EM').slice(0, 2), [of(table3.rows, 'Pretrained'), of(table3.rows, 'Code2LoRA-Evo')]);
  assert.deepEqual(column(tables.ood, 'evolution_paper_relaxed_EM').slice(0, 2), ['Pretrained', 'Code2LoRA-Evo']
    .map((method) => table4.rows.find((row) => row.method === method)!.EM / 100));
  for (const { groups } of [tables.static, tables.evolution, tables.ood, tables.repositories]) {
    for (const { label, columns } of groups) {
      columns.forEach(({ paper, label: own }, at) => {
        if (!paper) return;
        assert.match(`${label} ${own}`, /relaxed/i);
        if (at > 0 && !columns[at - 1]!.paper) assert.equal(columns[at - 1]!.label, 'Relaxed EM', 'it stands beside our relaxed EM');
      });
    }
  }
});

test('no OOD predictions, no table; no predictions, no rows', () => {
  assert.equal(oodTable(summary.filter(({ suite }) => suite !== 'OOD'), published), undefined);
  const empty = trackTable([], 'static', published);
  assert.deepEqual([rowsOf(empty), empty.note], [[], 'No run is stored.']);
  assert.deepEqual(ownVsOtherTable([]).findings, []);
  assert.deepEqual(mainResult([], 'static').data, []);
});

test('a method without a label is shown under its own name, last', () => {
  const mine = predictions.filter(({ method }) => method === 'pretrained').map((p): Prediction => ({ ...p, method: 'my-method' }));
  assert.deepEqual(rowsOf(trackTable(summarise([...mine, ...predictions]), 'evolution', published)).at(-1)!.label, 'my-method');
});

test('verdicts say what the intervals say, and on which ruler', () => {
  const { findings } = tables.own;
  const of = (start: string) => findings.filter((finding) => finding.startsWith(start));
  assert.equal(findings.length, 5, 'one a track and suite, since there is one method each');
  const interval = String.raw`\([+−]\d\.\d{4} \[[+−]\d\.\d{4}, [+−]\d\.\d{4}\] nats a token`;
  const [better] = of('Static track, CR'), [undecided] = of('Evolution track, IR'), [worse] = of('Evolution track, CR');
  assert.match(better!, new RegExp(`by log-likelihood the own adapter is better than another repository's with Code2LoRA-Static ${interval}\\)\\.$`));
  assert.match(undecided!, new RegExp(`cannot be told from another repository's with Code2LoRA-Evo ${interval}; 0\\.\\d{4} could have been seen\\)\\.$`));
  assert.match(worse!, /is worse than another repository's with Code2LoRA-Evo/);
  // A point more often right: too little for exact match, and seen by the likelihood.
  assert.match(of('Static track, IR')[0]!, /by log-likelihood the own adapter is better/);
  const byExactMatch = ownVsOtherTable(ownVsOther(predictions)).findings;
  assert.match(byExactMatch.find((finding) => finding.startsWith('Static track, IR'))!, /by exact match the own adapter cannot be told/);
  // Without likelihoods exact match is the ruler, and the sentence says so.
  assert.match(ownVsOtherTable(ownVsOther(predictions)).findings[0]!, /by exact match .* points\)\.$/);
});

test('likelihoods: paired, by token, above zero where the own adapter is better', () => {
  const one = comparisons.find(({ track, method, suite, control }) => track === 'static' && method === 'code2lora-static' && suite === 'CR' && control === 'other')!;
  const own = likelihoods.filter((row) => row.track === 'static' && row.method === 'code2lora-static' && row.suite === 'CR');
  const sum = (adapter: string) => own.filter((row) => row.adapter === adapter).reduce((n, row) => n + row.targetNats, 0);
  const tokens = own.filter((row) => row.adapter === 'own').reduce((n, row) => n + row.targetTokens, 0);
  assert.ok(Math.abs(one.nats!.difference.mean - (sum('other') - sum('own')) / tokens) < 1e-12);
  const { low, high } = one.nats!.difference;
  assert.ok(Math.abs(one.nats!.detectable - ((high - low) / (2 * 1.96)) * 2.8016) < 1e-12);
  assert.equal(one.nats!.gaining, 8);
});

test('a repository alone has no interval, and says so', () => {
  const single = predictionsOf(syntheticRuns({ repositories: 1 }));
  const table = trackTable(summarise(single), 'static', published);
  assert.match(toMarkdown(table), /\| Pretrained \| \d+\.\d ± \? /);
  const own = ownVsOtherTable(ownVsOther(single));
  assert.match(own.findings[0]!, /was asked of a single repository, which says nothing about others/);
  for (const render of [toMarkdown, toCsv, toLatex, toHtml]) assert.ok(!(render(table) + render(own)).includes('NaN'));
});

for (const [name, table] of Object.entries(tables)) {
  const seen = table.groups.flatMap(({ columns }) => columns.filter(({ csvOnly }) => !csvOnly)).length + 1;
  const titles = table.sections.filter(({ title }) => title).length;
  const rows = rowsOf(table).length;

  test(`${name}: Markdown and HTML have as many cells in every row`, () => {
    const lines = toMarkdown(table).split('\n').filter((line) => line.startsWith('|'));
    assert.equal(lines.length, 2 + titles + rows);
    for (const line of lines) assert.equal(line.split('|').length, seen + 2, line);
    assert.equal(toHtml(table).match(/<td[ >]/g)?.length, rows * (seen - 1));
  });

  test(`${name}: LaTeX is balanced, and plain`, () => {
    const latex = toLatex(table);
    const body = latex.split('\n').filter((line) => line.endsWith('\\\\'));
    assert.equal(latex.match(/\\begin\{tabular\}\{(.*)\}/)![1]!.length, seen);
    for (const line of body) {
      const spans = [...line.matchAll(/\\multicolumn\{(\d+)\}/g)].map(([, width]) => Number(width) - 1);
      assert.equal(line.replaceAll('\\&', '').split('&').length + spans.reduce((a, b) => a + b, 0), seen, line);
    }
    assert.doesNotMatch(latex, /[^\n -~]/, 'pdfLaTeX knows ASCII alone');
    for (const line of latex.split('\n')) {
      const bare = line.replace(/^% /, '').replaceAll('\\%', '').replaceAll('\\$', '');
      assert.equal(bare.split('$').length % 2, 1, `dollars are paired: ${line}`);
      assert.equal(bare.split('{').length, bare.split('}').length, `braces are paired: ${line}`);
      assert.ok(!/[^\x20-\x7e]/.test(line), `ASCII only, for pdflatex: ${line}`);
      assert.ok(line.startsWith('% ') || !bare.includes('%'), `no comment inside: ${line}`);
      assert.ok(!/(?<!\\)[_#]/.test(bare.replace(/\$[^$]*\$/g, '')), `no bare _ or # outside mathematics: ${line}`);
    }
    assert.equal(body.length, rows + titles + (table.groups.some(({ label }) => label) ? 2 : 1));
  });
}

test('figures have a mark for every score, inside their axes', () => {
  const { data, layout } = mainResult(summary, 'static');
  const shown = summary.filter(({ track, suite, adapter }) => track === 'static' && suite !== 'OOD' && adapter !== 'empty' && adapter !== 'random');
  assert.equal(data.length, shown.length);
  assert.equal(data.filter(({ marker }) => (marker as { color: string }).color === 'white').length, 4, 'two hollow controls on CR and on IR');
  const [low, high] = (layout['xaxis'] as { range: [number, number] }).range;
  for (const { strictEM } of shown) assert.ok(100 * strictEM.low > low && 100 * strictEM.high < high);
  assert.equal(oodResult(summary).data.length, 4);

  const points = (trace: Record<string, unknown>) => (trace['x'] as number[]).length;
  const drawn = comparisons.filter(({ control }) => control === 'other' || control === 'average').length;
  assert.equal(ownVsOtherFigure(comparisons).data.map(points).reduce((a, b) => a + b), drawn);
  assert.deepEqual(perRepositoryFigure(predictions, 'static').data.map(points), Array(9).fill(8), 'five methods on IR, four on CR, eight repositories each');
  const stacked = errorFigure(errors, 'static').data.filter(({ xaxis }) => xaxis === 'x').map(({ x }) => (x as number[])[0]!).reduce((a, b) => a + b);
  const pretrained = predictions.filter(({ track, method, suite }) => track === 'static' && method === 'pretrained' && suite === 'CR');
  assert.ok(Math.abs(stacked - 100 * (1 - pretrained.filter(({ relaxedEM }) => relaxedEM).length / pretrained.length)) < 1e-9, 'a bar is as long as the share that is wrong');
});

/** Reads a PNG's chunks, checks their sums, and prints dots an inch. */
const PNG_RESOLUTION = `
import struct, sys, zlib
png, at = open(sys.argv[1], 'rb').read(), 8
while at < len(png):
    n, kind = struct.unpack('>I4s', png[at:at + 8])
    body, (crc,) = png[at + 8:at + 8 + n], struct.unpack('>I', png[at + 8 + n:at + 12 + n])
    assert zlib.crc32(kind + body) == crc, kind
    if kind == b'pHYs':
        across, down, metres = struct.unpack('>IIB', body)
        assert metres == 1
        print(round(across * 0.0254), round(down * 0.0254))
    at += 12 + n
`;

test('export writes JSON, SVG, PNG and PDF one column wide', async (t) => {
  if (!findChromium()) return t.skip('no Chromium: install one to test figure export');
  const folder = mkdtempSync(join(tmpdir(), 'figures-'));
  try {
    const { files, skipped } = await exportFigure(mainResult(summary, 'static'), join(folder, 'main'));
    assert.equal(skipped, undefined);
    assert.deepEqual(files.map((file) => file.slice(file.lastIndexOf('.'))), ['.json', '.svg', '.png', '.pdf']);
    assert.match(readFileSync(join(folder, 'main.svg'), 'utf8').slice(0, 200), /width="3\.3000in"/);
    assert.equal(readFileSync(join(folder, 'main.png')).readUInt32BE(16), 990, '3.3 in at 300 dpi');
    assert.equal(execFileSync('python3', ['-c', PNG_RESOLUTION, join(folder, 'main.png')], { encoding: 'utf8' }).trim(), '300 300');
    assert.equal(readFileSync(join(folder, 'main.pdf')).subarray(0, 5).toString(), '%PDF-');

    // The same data again: other files have the same bytes, these are left alone, and drawn anew when one is gone.
    await exportFigure(mainResult(summary, 'static'), join(folder, 'again'));
    for (const extension of ['json', 'svg', 'png', 'pdf']) {
      assert.ok(readFileSync(join(folder, `again.${extension}`)).equals(readFileSync(join(folder, `main.${extension}`))), extension);
    }
    const made = () => files.map((file) => statSync(file).ino);
    const before = made();
    assert.deepEqual((await exportFigure(mainResult(summary, 'static'), join(folder, 'main'))).files, files);
    assert.deepEqual(made(), before);
    rmSync(join(folder, 'main.pdf'));
    await exportFigure(mainResult(summary, 'static'), join(folder, 'main'));
    assert.ok(existsSync(join(folder, 'main.pdf')));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('without a browser the JSON is written and the rest is said to be left out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'figures-'));
  const before = process.env['CHROMIUM_PATH'];
  process.env['CHROMIUM_PATH'] = join(folder, 'no-such-browser');
  try {
    // An image of other data does not stay beside it.
    writeFileSync(join(folder, 'loss.svg'), '<svg/>');
    const figure = lossCurve({ train: [{ step: 1, loss: 2 }, { step: 2, loss: 1 }], val: [{ step: 2, loss: 1.1 }], best: 2 });
    const { files, skipped } = await exportFigure(figure, join(folder, 'loss'));
    assert.deepEqual(files, [join(folder, 'loss.json')]);
    assert.match(skipped ?? '', /CHROMIUM_PATH names .*no-such-browser, which is not there/);
    assert.ok(!existsSync(join(folder, 'loss.svg')));
  } finally {
    if (before === undefined) delete process.env['CHROMIUM_PATH'];
    else process.env['CHROMIUM_PATH'] = before;
    rmSync(folder, { recursive: true });
  }
});
