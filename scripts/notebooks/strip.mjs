/**
 * Keeps outputs out of the notebooks in git.
 *   node scripts/notebooks/strip.mjs [name...]   strips the files in place
 *   node scripts/notebooks/strip.mjs --check     changes nothing; exit code 1 when a notebook is not stripped
 *   node scripts/notebooks/strip.mjs --filter    stdin to stdout, as a git clean filter
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { notebookPaths, source } from './notebooks.mjs';

/** The notebook's text without outputs, execution counts and whatever an editor left in the metadata. */
export function strip(text) {
  const notebook = JSON.parse(text);
  const cells = notebook.cells.map((cell, index) => {
    const common = {
      cell_type: cell.cell_type,
      id: cell.id ?? `cell-${index + 1}`,
      metadata: {},
      source: source(cell).split(/(?<=\n)/),
    };
    return cell.cell_type === 'code' ? { ...common, execution_count: null, outputs: [] } : common;
  });
  const metadata = {
    kernelspec: { display_name: 'TypeScript', language: 'typescript', name: 'tslab' },
    language_info: { file_extension: '.ts', mimetype: 'text/typescript', name: 'typescript' },
  };
  return `${JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }, null, 1)}\n`;
}

const options = process.argv.slice(2);
if (options.includes('--filter')) {
  process.stdout.write(strip(readFileSync(0, 'utf8')));
} else {
  const check = options.includes('--check');
  for (const path of notebookPaths(options.filter((option) => !option.startsWith('--')))) {
    const text = readFileSync(path, 'utf8');
    const stripped = strip(text);
    if (stripped === text) continue;
    if (check) {
      console.error(`${basename(path)} holds outputs: run \`node scripts/notebooks/strip.mjs\`.`);
      process.exitCode = 1;
    } else {
      writeFileSync(path, stripped);
    }
  }
}
