/** A cell of a notebook that sends its runs to a real Slurm, in JupyterLab: its progress is drawn under it, and its table comes. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { noSlurm, startCluster } from '../slurm/cluster.js';
import { notebookOf, openNotebook, OUTPUT, RUN_MS, runAll, SMOKE, START_MS } from './lab.js';

const CELLS = [
  "import { notebookProgress, openWorkspace, showTable } from 'code2lora';\nconst lab = openWorkspace({ profile: 'smoke', progress: notebookProgress() });",
  "const runs = await lab.sweep([8, 16].map((headWidth) => ({ name: 'width ' + headWidth, method: 'code2lora-static', seed: 99, learning: { steps: 30, validateEvery: 10, headWidth } })), { on: 'slurm', slurm: { time: '20:00', cpus: 1 } });",
  "import * as aq from 'arquero';\nshowTable(aq.from(runs.map(({ name, record }) => ({ run: name, parameters: record.trainedParameters, 'best step': record.bestStep }))));",
];

test('a cell sends a sweep to Slurm, and shows how far it is', { timeout: 2 * START_MS + RUN_MS, skip: noSlurm }, async (t) => {
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  process.env['SLURM_CONF'] = cluster.env['SLURM_CONF'];
  // What an earlier test left of these runs: they are to be sent.
  for (const place of ['results/smoke/runs', 'data/cache/smoke/runs', 'data/cache/smoke/trained'].map((part) => join(SMOKE, part))) {
    if (existsSync(place)) for (const name of readdirSync(place).filter((one) => one.includes('-s99-'))) rmSync(join(place, name), { recursive: true });
  }
  const page = await openNotebook(t, 'slurm.ipynb', notebookOf(CELLS));
  if (!page) return;
  await runAll(page);
  const table = page.locator('.jp-OutputArea-output table').last();
  await table.waitFor();
  const outputs = (await page.locator('.jp-OutputArea-output').allInnerTexts()).join('\n');
  for (const bar of ['jobs of Slurm', 'width 8: training', 'width 16: training', 'runs']) assert.ok(outputs.includes(bar), `a bar of ${bar}: ${outputs}`);
  assert.match(await table.innerText(), /width 8[\s\S]*width 16/);
  await page.screenshot({ path: join(OUTPUT, 'slurm.png'), clip: { x: 0, y: 0, width: 1280, height: 900 } });
});
