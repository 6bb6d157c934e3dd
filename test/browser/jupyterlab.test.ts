/**
 * Opens the results notebook in JupyterLab as a reader would, runs all its cells, and looks at the page: the table and
 * the figure must be there. Works on a copy, since JupyterLab saves what it runs. Screenshots are left in test/output.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findChromium, launchChromium } from 'code2lora';
import type { Page } from 'playwright-core';

const NOTEBOOK = '06-results.ipynb';
const OUTPUT = resolve('test/output');
const START_MS = 180_000;
const RUN_MS = 600_000;

test('JupyterLab runs 06-results and shows its table and figure', { timeout: 2 * START_MS + RUN_MS }, async (t) => {
  const executablePath = findChromium();
  if (!executablePath) return t.skip('no Chromium: install one (`apt-get install chromium`) to run the browser test');

  mkdirSync(OUTPUT, { recursive: true });
  cpSync(join('notebooks', NOTEBOOK), join(OUTPUT, NOTEBOOK));
  const lab = await startLab();
  t.after(() => stop(lab.process));
  const browser = await launchChromium(executablePath);
  t.after(() => browser.close());

  // Tall, so that every cell is in view: JupyterLab does not draw cells that are not.
  const page = await browser.newPage({ viewport: { width: 1280, height: 2600 } });
  page.setDefaultTimeout(START_MS);
  // Cells run before the kernel has connected make JupyterLab ask which kernel to use.
  const dialog = page.locator('.jp-Dialog', { hasText: 'Select Kernel' });
  await page.addLocatorHandler(dialog, async () => {
    await dialog.locator('select').selectOption({ label: 'TypeScript' });
    await dialog.locator('.jp-mod-accept').click();
  });
  await page.goto(`${lab.url}/lab/tree/test/output/${NOTEBOOK}?token=${lab.token}`);
  await runAll(page);

  const table = page.locator('.jp-OutputArea-output table.code2lora-table');
  assert.equal(await table.count(), 1, 'one headline table is on the page');
  assert.ok(await table.isVisible());
  const text = await table.innerText();
  for (const row of ['Pretrained', 'Single LoRA', 'Code2LoRA-Static', "other repository's adapter", 'average adapter']) {
    assert.ok(text.includes(row), `the table has the row ${row}`);
  }
  assert.match(text, /\d+\.\d ± \d+\.\d/, 'scores have their intervals');

  const figure = page.locator('.js-plotly-plot svg.main-svg').first();
  assert.ok(await figure.isVisible(), 'the figure is drawn');
  const points = await page.locator('.js-plotly-plot .scatterlayer .point').count();
  assert.equal(points, 10, 'five dots on CR and five on IR');
  await page.screenshot({ path: join(OUTPUT, 'jupyterlab.png') });
});

/** Runs all cells and waits for the last one's output; an error that a cell prints fails the test at once. */
async function runAll(page: Page): Promise<void> {
  await page.locator('.jp-Notebook .jp-CodeCell').first().waitFor({ timeout: START_MS });
  // The page shows an idle kernel for a moment before it connects, and what is run then is lost: run until something runs.
  const busy = page.locator('.jp-Notebook .jp-InputPrompt', { hasText: '*' }).or(page.locator('.jp-OutputArea-output')).first();
  const deadline = Date.now() + START_MS;
  do {
    await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor({ timeout: START_MS });
    await page.locator('.lm-MenuBar-itemLabel', { hasText: /^Run$/ }).click();
    await page.locator('.lm-Menu-itemLabel', { hasText: /^Run All Cells$/ }).click();
    await busy.waitFor({ timeout: 10_000 }).catch(() => undefined);
  } while (!(await busy.isVisible()) && Date.now() < deadline);
  const last = page.locator('.jp-Notebook .jp-CodeCell').last().locator('.jp-OutputArea-output');
  const error = page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]');
  await last.or(error).first().waitFor({ timeout: RUN_MS });
  await page.screenshot({ path: join(OUTPUT, 'jupyterlab.png') });
  if (await error.count()) assert.fail(`a cell failed: ${await error.first().innerText()}`);
}

async function startLab(): Promise<{ url: string; token: string; process: ChildProcess }> {
  const port = await freePort();
  const token = randomBytes(16).toString('hex');
  const server = spawn(process.execPath, ['scripts/lab.mjs', '--no-browser', '--ip=127.0.0.1', `--port=${port}`,
    '--ServerApp.port_retries=0', `--IdentityProvider.token=${token}`],
  { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, CODE2LORA_PROFILE: 'smoke', CODE2LORA_OUTPUT: join(OUTPUT, 'smoke') } });
  let log = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => { log += text; });
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline && server.exitCode === null) {
    const answer = await fetch(`${url}/api/status?token=${token}`).catch(() => undefined);
    if (answer?.ok) return { url, token, process: server };
    await sleep(300);
  }
  await stop(server);
  throw new Error(`JupyterLab did not start:\n${log.slice(-2000)}`);
}

/** Jupyter ends its kernels on SIGTERM; lab.mjs passes it on. */
async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  await exited;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address && typeof address === 'object');
  server.close();
  return address.port;
}
