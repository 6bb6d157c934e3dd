/**
 * A researcher's loop in JupyterLab, on the smoke profile: open the pooling ablation, run it, change one choice, run the
 * cells from there on again, see table and figure change, and find the exported figure on disk.
 */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { menu, openNotebook, OUTPUT, RUN_MS, runAll, runToEnd, SMOKE, START_MS } from './lab.js';

const FIGURE = join(SMOKE, 'results', 'smoke', 'figures', 'ablation-pooling');
const LINE = "'mean': { encoder: { overFiles: [{ pool: 'mean' }] } },";
const CHANGED = "'max': { encoder: { overFiles: [{ pool: 'max' }] } },";

test('JupyterLab: one choice of 08-ablation-pooling changed, run again and exported', { timeout: 2 * START_MS + 2 * RUN_MS }, async (t) => {
  for (const extension of ['json', 'svg', 'png', 'pdf']) rmSync(`${FIGURE}.${extension}`, { force: true });
  const page = await openNotebook(t, '08-ablation-pooling.ipynb');
  if (!page) return;
  await runAll(page);
  const before = await shown(page);
  assert.deepEqual(before.choices, ['mean, max', 'mean', 'importance, max', 'last token', 'largest file'], 'the table has a row a choice');
  assert.match(before.table, /\d+\.\d\s± \d+\.\d/, 'scores have their intervals');
  assert.deepEqual(before.names, before.choices, 'the figure has the rows of the table');
  // On each suite six dots a choice: its own adapter and four controls, and the difference.
  assert.equal(before.dots, 2 * 6 * before.choices.length);
  await page.screenshot({ path: join(OUTPUT, 'ablation-before.png'), fullPage: true });

  const cell = page.locator('.jp-Notebook .jp-CodeCell', { hasText: 'const choices' });
  await cell.locator('.cm-line', { hasText: LINE }).click({ clickCount: 3 });
  await page.keyboard.insertText(`  ${CHANGED}\n`);
  assert.ok((await cell.innerText()).includes(CHANGED), 'the cell is edited');
  rmSync(`${FIGURE}.json`);
  await menu(page, 'Run', 'Run Selected Cell and All Below');
  await runToEnd(page);
  const after = await shown(page);
  assert.deepEqual(after.choices, ['mean, max', 'max', 'importance, max', 'last token', 'largest file']);
  assert.deepEqual(after.names, after.choices, 'the figure is drawn anew');
  assert.notEqual(after.table, before.table);

  for (const [extension, begins] of Object.entries({ json: '{', svg: '<svg', png: '\x89PNG', pdf: '%PDF' })) {
    const path = `${FIGURE}.${extension}`;
    assert.ok(statSync(path).size > 1000, path);
    assert.equal(readFileSync(path, 'latin1').slice(0, begins.length), begins, path);
  }
  await page.screenshot({ path: join(OUTPUT, 'ablation-after.png'), fullPage: true });
});

/** The ablation's table and first figure as they stand on the page. */
async function shown(page: Page): Promise<{ table: string; choices: string[]; names: string[]; dots: number }> {
  const table = page.locator('.jp-OutputArea-output table.code2lora-table').first();
  const plot = page.locator('.js-plotly-plot');
  const rows = await table.locator('tbody th[scope=row]:not([colspan])').allInnerTexts();
  return {
    table: await table.innerText(),
    choices: rows.slice(0, rows.length / 2),
    // A long name is on two lines, which its text content runs together.
    names: (await plot.first().locator('.ytick').allTextContents()).map((name) => rows.find((row) => row.replace(/ /g, '') === name.replace(/ /g, '')) ?? name),
    dots: await plot.locator('.scatterlayer .point').count(),
  };
}
