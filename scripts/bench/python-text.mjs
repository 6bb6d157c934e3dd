/** Python source that every set-up project has: what .venv holds, in an order of its own that is the same each time. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../lib/dist/store/random.js';
import { venv } from '../setup/paths.mjs';

/** Texts of Python files of 4 to 100 kB. */
export function* pythonFiles(seed = 3407) {
  const paths = readdirSync(join(venv, 'lib'), { recursive: true }).filter((path) => path.endsWith('.py')).sort();
  for (const path of new Random(seed).shuffle(paths)) {
    const text = readFileSync(join(venv, 'lib', path), 'utf8');
    if (text.length > 4_000 && text.length < 100_000) yield text;
  }
}
