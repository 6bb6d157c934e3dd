/**
 * Opens the results notebook in JupyterLab as a reader would, runs all its cells, and looks at the page: the tables and
 * figures must be there. Works on a copy, since JupyterLab saves what it runs. Screenshots are left in test/output.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openNotebook, OUTPUT, RUN_MS, runAll, START_MS } from './lab.js';

test('JupyterLab runs 06-results and shows its tables and figures', { timeout: 2 * START_MS + RUN_MS }, async (t) => {
  const page = await openNotebook(t, '06-results.ipynb');
  if (!page) return;
  await runAll(page);

  const tables = page.locator('.jp-OutputArea-output table.code2lora-table');
  // JupyterLab shows a cell's outputs a moment after the cell has ended.
  await tables.nth(1).waitFor();
  const texts = await tables.allInnerTexts();
  const [first, second] = texts as [string, string];
  for (const row of ['Pretrained', 'Single LoRA', 'Code2LoRA-Static', "other repository's adapter", 'average adapter']) {
    assert.ok(first.includes(row), `the static track's table has the row ${row}`);
  }
  for (const row of ['Code2LoRA-Evo', "first commit's adapter, kept"]) assert.ok(second.includes(row), `the evolution track's table has the row ${row}`);
  assert.match(first, /\d+\.\d\s± \d+\.\d/, 'scores have their intervals');

  const figures = page.locator('.js-plotly-plot');
  assert.ok((await figures.count()) >= 4);
  for (const figure of await figures.all()) assert.ok(await figure.locator('svg.main-svg').first().isVisible(), 'the figure is drawn');
  // Pretrained, Single LoRA, both heads with two controls each: on CR and on IR at least these dots.
  assert.ok((await figures.first().locator('.scatterlayer .point').count()) >= 2 * 8);
  await page.screenshot({ path: join(OUTPUT, 'jupyterlab.png') });
});
