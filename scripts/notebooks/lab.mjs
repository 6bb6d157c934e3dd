/** Opens JupyterLab on the notebooks: `npm run lab`. Further arguments go to jupyter: `npm run lab -- --port 9000`. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { configureLab, jupyter, jupyterEnvironment, requireJupyter } from './jupyter.mjs';
import { root } from './notebooks.mjs';

requireJupyter();
configureLab();
const asRoot = process.getuid?.() === 0 ? ['--allow-root'] : [];
const given = process.argv.slice(2);
const folder = given.some((option) => option.startsWith('--ServerApp.root_dir')) ? [] : [`--ServerApp.root_dir=${join(root, 'notebooks')}`];
const lab = spawn(jupyter, ['lab', ...asRoot, ...folder, ...given], {
  cwd: root, env: jupyterEnvironment(), stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => lab.kill(signal));
lab.on('error', (error) => {
  console.error(`JupyterLab did not start: ${error.message}`);
  process.exit(1);
});
lab.on('exit', (code) => process.exit(code ?? 1));
