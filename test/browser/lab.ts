/**
 * JupyterLab as a reader meets it: a server of this project on the smoke profile, and a page of it in a headless
 * Chromium. Notebooks are copied to test/output first, since JupyterLab saves what it runs.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findChromium, launchChromium } from 'code2lora';
import type { Page } from 'playwright-core';
import { freePort } from '../free-port.js';

export const OUTPUT = resolve('test/output');
/** What the notebooks make and find made: shared with the end-to-end test of the smoke profile. */
export const SMOKE = join(OUTPUT, 'smoke');
export const START_MS = 180_000;
export const RUN_MS = 600_000;

/**
 * A notebook's page with its kernel running; undefined, and the test skipped, where there is no Chromium.
 * @param content of the notebook, where it is none of the project's
 */
export async function openNotebook(t: TestContext, notebook: string, content = readFileSync(join('notebooks', notebook), 'utf8')): Promise<Page | undefined> {
  const executablePath = findChromium();
  if (!executablePath) {
    t.skip('no Chromium: install one (`apt-get install chromium`) to run the browser tests');
    return undefined;
  }
  mkdirSync(OUTPUT, { recursive: true });
  writeFileSync(join(OUTPUT, notebook), content);
  const lab = await startLab();
  t.after(() => stop(lab.process));
  const browser = await launchChromium(executablePath);
  t.after(() => browser.close());

  // Tall, so that every cell is in view: JupyterLab does not draw cells that are not.
  const page = await browser.newPage({ viewport: { width: 1280, height: 5000 } });
  page.setDefaultTimeout(START_MS);
  // Cells run before the kernel has connected make JupyterLab ask which kernel to use, sometimes twice at once.
  const dialogs = page.locator('.jp-Dialog', { hasText: 'Select Kernel' });
  await page.addLocatorHandler(dialogs.last(), async (dialog) => {
    await dialog.locator('select').selectOption({ label: 'TypeScript' });
    await dialog.locator('.jp-mod-accept').click();
  }, { noWaitAfter: true });
  // Without what an earlier session had open.
  await page.goto(`${lab.url}/lab/tree/test/output/${notebook}?reset&token=${lab.token}`);
  await page.locator('.jp-Notebook .jp-CodeCell').first().waitFor({ timeout: START_MS });
  await kernelConnected(lab);
  return page;
}

/** A notebook of these cells, for the kernel that the project's notebooks have. */
export function notebookOf(cells: readonly string[]): string {
  const notebook = JSON.parse(readFileSync('notebooks/01-dataset-curation.ipynb', 'utf8')) as Record<string, unknown>;
  return JSON.stringify({ ...notebook, cells: cells.map((source, i) => ({ cell_type: 'code', id: `c${i}`, metadata: {}, execution_count: null, outputs: [], source })) });
}

/** Runs all cells, and waits until they have run. */
export async function runAll(page: Page): Promise<void> {
  // The page shows an idle kernel for a moment before it connects, and what is run then is lost: run until something runs.
  const busy = page.locator('.jp-Notebook .jp-InputPrompt', { hasText: '*' }).or(page.locator('.jp-OutputArea-output')).first();
  const deadline = Date.now() + START_MS;
  do {
    await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor({ timeout: START_MS });
    await menu(page, 'Run', 'Run All Cells');
    await busy.waitFor({ timeout: 10_000 }).catch(() => undefined);
  } while (!(await busy.isVisible()) && Date.now() < deadline);
  await runToEnd(page);
}

/** Waits until no cell is running or waiting to; an error that one prints fails the test at once. */
export async function runToEnd(page: Page): Promise<void> {
  const error = page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]');
  const waiting = page.locator('.jp-Notebook .jp-InputPrompt', { hasText: '*' });
  await waiting.first().waitFor({ timeout: 5000 }).catch(() => undefined);
  const deadline = Date.now() + RUN_MS;
  while ((await waiting.count()) && Date.now() < deadline) {
    if (await error.count()) assert.fail(`a cell failed: ${await error.first().innerText()}`);
    await sleep(200);
  }
  assert.equal(await waiting.count(), 0, `the cells ran within ${RUN_MS / 60_000} minutes`);
  assert.deepEqual(await error.allInnerTexts(), [], 'no cell printed an error');
}

export async function menu(page: Page, name: string, item: string): Promise<void> {
  await page.locator('.lm-MenuBar-itemLabel', { hasText: new RegExp(`^${name}$`) }).click();
  await page.locator('.lm-Menu-itemLabel', { hasText: new RegExp(`^${item}$`) }).click();
}

/** Waits until the page talks to its kernel, and this is up: the server knows of both. */
async function kernelConnected({ url, token }: Lab): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    const sessions = await (await fetch(`${url}/api/sessions?token=${token}`)).json() as { kernel: { connections: number; execution_state: string } }[];
    if (sessions.some(({ kernel }) => kernel.connections > 0 && kernel.execution_state === 'idle')) return;
    await sleep(300);
  }
  throw new Error(`The notebook's kernel did not start within ${START_MS / 60_000} minutes.`);
}

interface Lab {
  url: string;
  token: string;
  process: ChildProcess;
}

async function startLab(): Promise<Lab> {
  const port = await freePort();
  const token = randomBytes(16).toString('hex');
  const server = spawn(process.execPath, ['scripts/lab.mjs', '--no-browser', '--expose-app-in-browser', '--ip=127.0.0.1', `--port=${port}`,
    '--ServerApp.port_retries=0', `--IdentityProvider.token=${token}`],
  { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, CODE2LORA_PROFILE: 'smoke', CODE2LORA_OUTPUT: SMOKE } });
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
