/** Opens JupyterLab on the notebooks, with its kernel, renderer and settings from .venv. Arguments go to jupyter lab. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot, jupyterEnv, root, venv } from './setup/paths.mjs';

/** Where JupyterLab looks for a style sheet of one's own. */
const styles = join(jupyterEnv.JUPYTER_CONFIG_DIR, 'custom');
mkdirSync(styles, { recursive: true });
copyFileSync(inRoot('scripts', 'notebooks', 'custom.css'), join(styles, 'custom.css'));

const args = ['lab', '--custom-css', '--ServerApp.root_dir', root, ...process.argv.slice(2)];
// Jupyter refuses to run as root unless told; containers run as root.
if (process.getuid?.() === 0) args.push('--allow-root');
if (!process.argv.slice(2).some((arg) => arg.startsWith('--LabApp.default_url'))) args.push('--LabApp.default_url=/lab/tree/notebooks');
const lab = spawn(join(venv, 'bin', 'jupyter'), args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...jupyterEnv } });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => lab.kill(signal));
lab.on('error', (error) => {
  console.error(`JupyterLab does not start (${error.message}). Run npm run setup.`);
  process.exit(1);
});
lab.on('exit', (code) => process.exit(code ?? 1));
