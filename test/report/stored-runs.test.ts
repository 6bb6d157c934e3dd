/** `export` and `runs` on stored runs: the exported numbers are those of the parquet files, as Python reads both. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Run } from 'code2lora';
import { UserError } from '../../lib/dist/store/errors.js';
import { syntheticRuns } from './synthetic.js';

const output = mkdtempSync(join(tmpdir(), 'stored-'));
after(() => rmSync(output, { recursive: true }));
// Read when the modules load. Figures are another test's.
process.env['CODE2LORA_OUTPUT'] = output;
process.env['CHROMIUM_PATH'] = join(output, 'no-such-browser');
const { run: exportAll } = await import('../../lib/dist/cli/export.js');
const { run: runs } = await import('../../lib/dist/cli/runs.js');
const { runId } = await import('../../lib/dist/lab/keys.js');
const { writeLikelihoods, writePredictions } = await import('../../lib/dist/eval/predictions-parquet.js');
const { methods } = await import('../../lib/dist/methods/index.js');
const { profileNamed } = await import('../../lib/dist/profiles.js');

const profile = profileNamed('smoke');
const folder = join(output, 'results', 'smoke', 'runs');
const made = syntheticRuns({ idOf: ({ track, method, seed }) => runId(methods.find(({ name }) => name === method)!, track, seed, profile) });
const idOf = (track: string, method: string, seed = 3407) => made.find(({ record: r }) => r.track === track && r.method === method && r.seed === seed)!.record.id;

function store({ record, predictions, likelihoods }: Run): void {
  mkdirSync(join(folder, record.id), { recursive: true });
  writePredictions(join(folder, record.id, 'predictions.parquet'), predictions);
  if (likelihoods.length) writeLikelihoods(join(folder, record.id, 'likelihoods.parquet'), likelihoods);
  writeFileSync(join(folder, record.id, 'run.json'), JSON.stringify(record));
}

/** What a command prints. */
async function printed(command: (args: string[]) => Promise<void>, ...args: string[]): Promise<string> {
  const { log } = console;
  const lines: string[] = [];
  console.log = (line: string) => { lines.push(line); };
  try {
    await command([...args, '--profile', 'smoke']);
  } finally {
    console.log = log;
  }
  return lines.join('\n');
}

const rejects = (args: string[], message: RegExp) => assert.rejects(printed(runs, ...args), (error) => error instanceof UserError && message.test(error.message));

test('without runs, commands say how to make them', async () => {
  await rejects([], /no stored runs of smoke: make them with npx code2lora reproduce --profile smoke/);
  await assert.rejects(printed(exportAll), /no stored runs of smoke, so no tables: make them with npx code2lora reproduce/);
});

test('export writes every table, and Python computes the same numbers from the parquet files', async () => {
  made.forEach(store);
  const out = join(output, 'exported');
  mkdirSync(join(out, 'tables'), { recursive: true });
  const text = await printed(exportAll, '--out', out);
  assert.match(text, new RegExp(`From ${made.length} runs`));
  assert.match(text, /Left out: Figures are written as plotly JSON only/);
  assert.match(text, /reproduce --profile smoke --all makes them:\n(.*\n)* {2}static, seed 3407: .*dependency-context/);
  const names = ['claims', 'table2-static', 'table3-evolution', 'table4-ood', 'own-vs-other', 'per-repository', 'errors', 'efficiency'];
  assert.deepEqual(readdirSync(join(out, 'tables')).sort(), names.flatMap((name) => ['csv', 'md', 'tex'].map((extension) => `${name}.${extension}`)).sort());
  for (const name of ['main-static', 'main-evolution', 'main-ood', 'own-vs-other', 'per-repository-static', 'errors-evolution']) {
    assert.ok(existsSync(join(out, 'figures', `${name}.json`)), name);
  }

  const python = existsSync('.venv/bin/python') ? '.venv/bin/python' : 'python3';
  const answer = execFileSync(python, ['test/report/results_oracle.py', folder, join(out, 'tables')], { encoding: 'utf8', maxBuffer: 1e8 });
  const pairs = JSON.parse(answer) as [string, number | null, number | null, number][];
  assert.ok(pairs.length > 400, `${pairs.length} numbers`);
  for (const [where, found, expected, tolerance] of pairs) {
    if (expected === null) assert.equal(found, null, where);
    else assert.ok(found !== null && Math.abs(found - expected) <= tolerance, `${where}: ${found} in the table, ${expected} by Python`);
  }
});

test('a table without rows is removed where an earlier export left it', async () => {
  const out = join(output, 'exported');
  rmSync(join(folder, idOf('evolution', 'pretrained')), { recursive: true });
  for (const seed of [3407, 1234]) rmSync(join(folder, idOf('evolution', 'code2lora-evo', seed)), { recursive: true });
  await printed(exportAll, '--out', out);
  assert.ok(!existsSync(join(out, 'tables', 'table4-ood.md')) && !existsSync(join(out, 'tables', 'table3-evolution.tex')));
  assert.ok(!existsSync(join(out, 'figures', 'main-ood.json')) && existsSync(join(out, 'tables', 'table2-static.md')));
  made.filter(({ record }) => record.track === 'evolution').forEach(store);
});

test('runs lists what is stored, with scores and the settings that differ', async () => {
  const id = idOf('static', 'single-lora');
  const path = join(folder, id, 'run.json');
  const before = readFileSync(path, 'utf8');
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(before) as object), learning: { ...profile.learning, steps: 7, head: { ...profile.learning.head, form: 'paper' } } }));
  const lines = (await printed(runs)).split('\n');
  writeFileSync(path, before);
  assert.equal(lines.filter((line) => /^(static|evolution) /.test(line)).length, made.length);
  const line = lines.find((one) => one.includes(id))!;
  const scores = ['CR', 'IR'].map((suite) => {
    const list = made.find(({ record }) => record.id === id)!.predictions.filter((p) => p.suite === suite);
    return ((100 * list.filter(({ strictEM }) => strictEM).length) / list.length).toFixed(1);
  });
  assert.deepEqual(line.split(/ +/).slice(0, 5), ['static', 'single-lora', '3407', ...scores]);
  assert.match(line, /steps=7/);
  assert.match(line, /head\.form=paper/);
  assert.ok(!line.includes('rank='), 'a setting that is the profile\'s is not told');
});

test('runs compare pairs task by task, whatever the order', async () => {
  const [a, b] = [idOf('static', 'code2lora-static'), idOf('static', 'code2lora-static', 1234)];
  const table = (text: string) => text.split('\n').filter((line) => /^(CR|IR) /.test(line)).map((line) => line.split(/ {2,}/));
  const rows = table(await printed(runs, 'compare', a, b.slice(0, -2)));
  assert.deepEqual(rows.map(([suite, adapter]) => `${suite} ${adapter}`), ['CR', 'IR'].flatMap((suite) => ['own or none', 'other', 'average', 'empty', 'random'].map((kind) => `${suite} ${kind}`)));
  const reversed = table(await printed(runs, 'compare', b, a));
  const number = (text: string) => Number(text.replace('−', '-'));
  rows.forEach(([, , left, right, difference], i) => {
    assert.ok(Math.abs(number(left!) - number(right!) - number(difference!)) < 0.11);
    assert.equal(number(reversed[i]![4]!) + number(difference!), 0);
    assert.ok(rows[i]![7] !== '–' && Math.abs(number(reversed[i]![7]!) + number(rows[i]![7]!)) < 1e-9, 'nats too');
  });
  const none = table(await printed(runs, 'compare', a, idOf('static', 'pretrained')));
  assert.deepEqual(none.map(([suite, adapter]) => [suite, adapter]), [['CR', 'own or none'], ['IR', 'own or none']]);
  await rejects(['compare', a, idOf('evolution', 'pretrained')], /answered other tasks/);
});

test('a name that fits none or several is refused, and so is half a command', async () => {
  await rejects(['compare', 'nothing', 'static-rag'], /No stored run of smoke begins with "nothing"/);
  await rejects(['remove', 'static-code2lora-static'], /begins the names of 3 runs, .*: give more of it/);
  await rejects(['compare', 'static-rag'], /it is runs, runs compare A B, or runs remove ID/);
  await rejects(['repair'], /runs repair: it is runs/);
  assert.equal(readdirSync(folder).length, made.length);
});

test('runs remove takes results, cache and what was trained, unless another run needs it', async () => {
  const [first, second] = [idOf('static', 'single-lora'), idOf('static', 'per-repo-lora')];
  const trained = JSON.parse(readFileSync(join(folder, first, 'run.json'), 'utf8')) as Run['record'];
  const shared = { ...trained, id: second };
  writeFileSync(join(folder, second, 'run.json'), JSON.stringify(shared));
  const cached = join(output, 'data', 'cache', 'smoke');
  const weights = join(cached, 'trained', trained.inputs.trained!), parts = join(cached, 'runs', first);
  for (const path of [weights, parts]) mkdirSync(path, { recursive: true });

  const text = await printed(runs, 'remove', first);
  assert.ok(!existsSync(join(folder, first)) && !existsSync(parts) && existsSync(weights));
  assert.ok(text.includes(parts) && text.includes(`Kept, as others were answered with it (${second})`));
  // So is what the profile has with another frozen model, which shares the cache.
  const elsewhere = join(output, 'results', 'smoke@other', 'runs', second);
  cpSync(join(folder, second), elsewhere, { recursive: true });
  assert.ok((await printed(runs, 'remove', second)).includes(`Kept, as others were answered with it (smoke@other/${second})`));
  assert.ok(!existsSync(join(folder, second)) && existsSync(weights));
  assert.ok((await printed((args) => runs([...args.slice(0, -1), 'smoke@other']), 'remove', second)).includes(weights));
  assert.ok(!existsSync(elsewhere) && !existsSync(weights));
  assert.equal(readdirSync(folder).length, made.length - 2);
});

test('a broken run is told with its remedy, and the others are still listed', async () => {
  const id = idOf('static', 'rag');
  writeFileSync(join(folder, id, 'run.json'), '{');
  const text = await printed(runs);
  assert.match(text, new RegExp(`The run ${id} of smoke cannot be read .*npx code2lora runs remove ${id} --profile smoke`));
  assert.ok(text.includes(idOf('static', 'pretrained')));
  await assert.rejects(printed(exportAll, '--out', join(output, 'again')), (error) => error instanceof UserError && error.message.includes(id));
  await printed(runs, 'remove', id);
  assert.ok(!existsSync(join(folder, id)));
});
