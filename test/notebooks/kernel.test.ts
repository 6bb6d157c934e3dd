/** The notebooks' kernel, asked as JupyterLab asks it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

interface Notebook {
  cells: { outputs: { data?: Record<string, string[]>; text?: string[] }[] }[];
}

/** The notebook of these cells after it has run. */
function execute(cells: string[]): Notebook {
  const folder = mkdtempSync(join(tmpdir(), 'kernel-'));
  const path = join(folder, 'cells.ipynb');
  writeFileSync(path, JSON.stringify({
    nbformat: 4, nbformat_minor: 5, metadata: { kernelspec: { name: 'tslab', display_name: 'TypeScript', language: 'typescript' } },
    cells: cells.map((source, i) => ({ cell_type: 'code', id: `cell-${i}`, metadata: {}, execution_count: null, outputs: [], source })),
  }));
  const { status, stdout, stderr } = spawnSync('jupyter', ['nbconvert', '--to', 'notebook', '--execute', '--ExecutePreprocessor.iopub_timeout=120', '--stdout', path], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  rmSync(folder, { recursive: true });
  assert.equal(status, 0, stderr.slice(-3000));
  return JSON.parse(stdout) as Notebook;
}

test('a cell may show more at once than zeromq sends without a pause: none is lost, and the next cell runs', () => {
  const { cells: [first, second] } = execute([
    `const { newDisplay } = globalThis.__tslab__.require('tslab');
     const bar = newDisplay();
     for (let i = 1; i <= 2000; i++) bar.html(String(i));
     console.log('shown');`,
    'console.log(1 + 1);',
  ]);
  assert.deepEqual(first!.outputs[0]!.data!['text/html'], ['2000']);
  assert.deepEqual(first!.outputs[1]!.text, ['shown\n']);
  assert.deepEqual(second!.outputs[0]!.text, ['2\n']);
});

test('the stop button ends what a cell began, and the next cell runs', () => {
  const output = mkdtempSync(join(tmpdir(), 'stop-'));
  const cell = `import { openWorkspace, notebookProgress } from 'code2lora';
    await openWorkspace({ profile: 'synthetic', progress: notebookProgress() }).run('single-lora', { learning: { steps: 100000 } });`;
  const { status, stdout, stderr } = spawnSync('python', ['test/notebooks/interrupt.py', cell], { encoding: 'utf8', env: { ...process.env, CODE2LORA_OUTPUT: output } });
  rmSync(output, { recursive: true, force: true });
  assert.equal(status, 0, stderr.slice(-3000));
  const { ended, seconds, after } = JSON.parse(stdout) as { ended: string; seconds: number; after: string };
  assert.match(ended, /Interrupted/);
  assert.ok(seconds < 0.5, `the kernel went on for ${seconds} s of 4`);
  assert.equal(after, 'alive\n');
});
