/**
 * A repository that would run something in the page that shows it: its name, a file, a target and a progress note hold script
 * tags and handlers. In the real JupyterLab, and as exported, they are text.
 */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'node:test';
import { curate } from '../../lib/dist/data/curate.js';
import { readTaskRows } from '../../lib/dist/data/dataset/dataset.js';
import { gitSource } from '../../lib/dist/data/sources/git.js';
import type { Task } from '../../lib/dist/data/types.js';
import { silent } from '../../lib/dist/store/progress.js';
import { makeRepository } from '../data/git-repositories.js';
import { notebookOf, openNotebook, OUTPUT, RUN_MS, runAll, START_MS } from './lab.js';

const NAME = '<script>window.hit=1</script><img src=x onerror=window.hit=2>';
const TARGET = '"<script>window.hit=3</script><img src=x onerror=window.hit=4>"';

/** Curated from git as any other. */
async function hostileTasks(): Promise<Task[]> {
  const place = join(OUTPUT, 'hostile');
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const bare = join(place, 'r.git');
  makeRepository(bare, [{ files: {
    'page.py': 'def page():\n    return ""\n',
    'tests/test_<script>window.hit=5<x>.py': `from page import page\n\n\ndef test_page():\n    assert page() == ${TARGET}\n`,
  } }]);
  const source = gitSource([{ id: NAME, path: bare, licence: 'MIT', split: 'train' }], { cacheDir: place, cutoff: Number.POSITIVE_INFINITY, whole: true }, silent);
  await curate(source, { track: 'evolution', options: { identity: 'assertion', prefix: 'structured', perCommit: 8, perFile: 4, cutoff: Number.POSITIVE_INFINITY, keepShort: true } }, join(place, 'dataset'));
  const tasks: Task[] = [];
  for await (const task of readTaskRows(join(place, 'dataset/qna/train.parquet'))) tasks.push(task);
  return tasks;
}

test('what a repository holds is text in the page, not a part of it', { timeout: 2 * START_MS + RUN_MS }, async (t) => {
  const tasks = await hostileTasks();
  assert.equal(tasks.length, 1);
  assert.ok(tasks[0]!.repo === NAME && tasks[0]!.target === TARGET && tasks[0]!.file.includes('<script>'), 'the task holds them as they are');

  const exported = join(OUTPUT, 'hostile', 'tasks-per-repository');
  const cells = [
    "import { showTable, showText, showFigure, notebookProgress, tasksPerRepository, perRepositoryFigure, exportFigure, type Prediction, type ReportTable, type Task } from 'code2lora';\nimport * as aq from 'arquero';",
    `const tasks: Task[] = ${JSON.stringify(tasks)};\nshowTable(aq.from(tasks));\nshowText(tasks[0].target);`,
    `const answers: Prediction[] = tasks.flatMap((t) => (['CR', 'IR'] as const).map((suite) => ({ taskId: t.id, repo: t.repo, commitIndex: 0, track: 'static', suite, method: 'pretrained', adapter: 'none', seed: 1, target: t.target, prediction: t.target, strictEM: true, relaxedEM: true, editSimilarity: 1, codeBleu: 1, targetNats: 1, targetTokens: 2, eosNats: 0 })));`,
    `const table: ReportTable = { head: 'Repository', ids: [], groups: [], sections: [{ title: tasks[0].repo, rows: [{ label: tasks[0].repo, kind: 'method', ids: {}, values: {} }] }], findings: [tasks[0].target], note: tasks[0].file };\nshowTable(table);`,
    `showFigure(tasksPerRepository(tasks));\nshowFigure(perRepositoryFigure(answers, 'static'));\nawait exportFigure(tasksPerRepository(tasks), ${JSON.stringify(exported)});`,
    'notebookProgress()({ stage: tasks[0].repo, done: 1, total: 1, note: tasks[0].target });',
  ];
  const page = await openNotebook(t, 'hostile.ipynb', notebookOf(cells));
  if (!page) return;
  await runAll(page);
  const outputs = page.locator('.jp-OutputArea-output');
  await page.locator('.js-plotly-plot').nth(1).waitFor();
  // The name over a dot, as a reader sees it who points at it.
  await page.locator('.js-plotly-plot').first().locator('.scatterlayer .point').first().hover({ force: true });
  const hover = page.locator('.js-plotly-plot .hoverlayer');
  await hover.locator('text').first().waitFor();
  assert.ok((await hover.first().textContent())!.includes('<script>window.hit=1</script>'), 'the name stands over its dot');
  const shown = (await outputs.allInnerTexts()).join('\n');
  for (const text of [NAME, TARGET, tasks[0]!.file]) assert.ok(shown.includes(text), `${text} is shown as it is`);
  assert.equal(await page.evaluate('window.hit'), undefined, 'nothing of the repository ran');
  assert.equal(await outputs.locator('script, img[src="x"]').count(), 0, 'no element of the page is the repository\'s');
  await page.screenshot({ path: join(OUTPUT, 'hostile.png'), fullPage: true });

  // An exported figure opened by itself.
  await page.goto(pathToFileURL(`${exported}.svg`).href);
  assert.equal(await page.evaluate('window.hit'), undefined);
  assert.equal(await page.locator('script').count(), 0);
});
