/** The notebooks of the project: where they are, how they are read, what their cells are. */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { root } from '../setup/paths.mjs';

/** Paths of the named notebooks (`06-results`, `notebooks/06-results.ipynb`), or of all. Unknown names end the script. */
export function notebookPaths(names) {
  const folder = join(root, 'notebooks');
  const all = readdirSync(folder).filter((name) => name.endsWith('.ipynb')).sort();
  if (names.length === 0) return all.map((name) => join(folder, name));
  return names.map((name) => {
    const found = all.find((file) => file === `${basename(name, '.ipynb')}.ipynb`);
    if (!found) {
      console.error(`No notebook ${name}: there are ${all.join(', ')}.`);
      process.exit(2);
    }
    return resolve(folder, found);
  });
}

export const readNotebook = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** A cell's source as one string; nbformat keeps it as a list of lines. */
export const source = (cell) => (Array.isArray(cell.source) ? cell.source.join('') : cell.source);
