/** How this project starts Jupyter: from .venv, with everything it writes kept inside the project. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './notebooks.mjs';

export const jupyter = join(root, '.venv', 'bin', 'jupyter');
const state = join(root, '.venv', 'jupyter');

/** Environment for jupyter and its kernels. */
export function jupyterEnvironment() {
  // Started from `node --test`, a kernel would inherit the variable that turns Node into a test worker, and hang.
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  return {
    ...inherited,
    // The kernel's `#!/usr/bin/env node` must find the Node that runs this script.
    PATH: [join(root, '.venv', 'bin'), join(process.execPath, '..'), process.env.PATH].join(':'),
    JUPYTER_CONFIG_DIR: join(state, 'config'),
    JUPYTER_DATA_DIR: join(state, 'data'),
    JUPYTER_RUNTIME_DIR: join(state, 'runtime'),
    IPYTHONDIR: join(state, 'ipython'),
    TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '2',
  };
}

/** Ends the script with one line when Jupyter or the kernel is not there. */
export function requireJupyter() {
  if (existsSync(jupyter) && existsSync(join(root, '.venv', 'share', 'jupyter', 'kernels', 'tslab', 'kernel.json'))) return;
  console.error('JupyterLab with the tslab kernel is not set up in .venv: run `npm run setup`.');
  process.exit(2);
}

/** Settings of this project's JupyterLab: no question about news on the first start. */
export function configureLab() {
  const folder = join(state, 'config', 'labconfig');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'page_config.json'), JSON.stringify({
    disabledExtensions: { '@jupyterlab/apputils-extension:announcements': true },
  }));
  // The project is ESM; Jupyter's own scripts below .venv are not, and Node decides by the nearest package.json.
  writeFileSync(join(root, '.venv', 'package.json'), '{ "type": "commonjs" }\n');
}
