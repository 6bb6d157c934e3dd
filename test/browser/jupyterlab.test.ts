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
  await tables.nth(2).waitFor();
  const texts = await tables.allInnerTexts();
  const [verdicts, first, second] = texts as [string, string, string];
  for (const claim of ['Static is better than one adapter for all', 'The adapter is specific to its repository']) assert.ok(verdicts.includes(claim), claim);
  assert.match(verdicts, /supported|contradicted|could have seen/);
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

  // In a dark theme tables take its colours, and figures are no white blocks on it.
  await page.evaluate("jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })");
  await page.locator('body[data-jp-theme-light="false"]').waitFor({ state: 'attached' });
  const plot = page.locator('.js-plotly-plot').first();
  const background = await page.evaluate<string>("getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor");
  assert.ok(Math.max(...background.match(/\d+/g)!.slice(0, 3).map(Number)) < 60, `the page is dark: ${background}`);
  const box = (await plot.boundingBox())!;
  const corner = await page.screenshot({ clip: { x: box.x + 2, y: box.y + 2, width: 4, height: 4 } });
  // The page looks at its own picture: decoding PNG is the browser's trade.
  const brightest = await page.evaluate<number>(`(async () => {
    const image = new Image();
    image.src = 'data:image/png;base64,${corner.toString('base64')}';
    await image.decode();
    const context = document.createElement('canvas').getContext('2d');
    context.drawImage(image, 0, 0);
    return Math.max(...context.getImageData(0, 0, 4, 4).data.filter((value, i) => i % 4 < 3));
  })()`);
  assert.ok(brightest < 80, `the figure is as dark as the page: ${brightest}`);
  await page.screenshot({ path: join(OUTPUT, 'results-dark.png'), fullPage: true });
});
