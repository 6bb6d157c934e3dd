/** The strip filter: outputs and editor metadata go, cells stay, and a second pass changes nothing. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

interface Notebook {
  cells: { cell_type: string; id: string; metadata: object; source: string[]; execution_count?: number | null; outputs?: unknown[] }[];
  metadata: object;
}

function filter(text: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/notebooks/strip.mjs', '--filter'], { input: text, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

test('committed notebooks are stripped', () => {
  for (const name of readdirSync('notebooks').filter((file) => file.endsWith('.ipynb'))) {
    const text = readFileSync(join('notebooks', name), 'utf8');
    assert.equal(filter(text), text, `${name}: run \`node scripts/notebooks/strip.mjs\``);
  }
});

test('outputs, counts and metadata are removed; sources and ids stay', () => {
  const name = readdirSync('notebooks').find((file) => file.endsWith('.ipynb'))!;
  const text = readFileSync(join('notebooks', name), 'utf8');
  const used = JSON.parse(text) as Notebook;
  for (const cell of used.cells.filter(({ cell_type }) => cell_type === 'code')) {
    Object.assign(cell, { execution_count: 3, outputs: [{ output_type: 'stream', name: 'stdout', text: 'x' }], metadata: { collapsed: true } });
  }
  assert.equal(filter(JSON.stringify(used)), text);
});
