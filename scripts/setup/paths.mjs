/** Where set-up puts things, all of it inside the project folder, and the environment that keeps its tools there. */
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const inRoot = (...parts) => join(root, ...parts);

export const venv = inRoot('.venv');
export const venvPython = join(venv, 'bin', 'python');
export const cache = inRoot('data', 'cache');
export const logs = join(cache, 'logs');
export const browsers = join(cache, 'browsers');
export const temporary = join(cache, 'tmp');
export const tfjs = inRoot('node_modules', '@tensorflow', 'tfjs-node-gpu');

/** Jupyter's own files (settings, kernels' sockets, history) live in .venv instead of the home folder. */
export const jupyterEnv = {
  PATH: `${join(venv, 'bin')}${delimiter}${process.env.PATH ?? ''}`,
  JUPYTER_CONFIG_DIR: join(venv, 'var', 'jupyter', 'config'),
  JUPYTER_DATA_DIR: join(venv, 'var', 'jupyter', 'data'),
  JUPYTER_RUNTIME_DIR: join(venv, 'var', 'jupyter', 'runtime'),
  IPYTHONDIR: join(venv, 'var', 'ipython'),
};

/** Settings of npm and pip by how they reach packages. Others could lead them to other folders, to fewer packages or to none. */
export const reaches = (name) => /(proxy|cert|ca|cafile|registry|auth\w*|strict_ssl|userconfig|globalconfig|index_url|trusted_host|find_links|no_index|keyring_provider|timeout)$/i.test(name);

const settings = /^(npm_config_|PIP_|PYTHON|NODE_ENV$|VIRTUAL_ENV$)/i;

export const toolEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !settings.test(name) || reaches(name))),
  TMPDIR: temporary,
  npm_config_cache: join(cache, 'npm'),
  npm_config_update_notifier: 'false',
  npm_config_fetch_retries: '2',
  npm_config_fetch_retry_mintimeout: '2000',
  npm_config_fetch_retry_maxtimeout: '10000',
  PIP_CACHE_DIR: join(cache, 'pip'),
  PIP_DISABLE_PIP_VERSION_CHECK: '1',
  PIP_NO_INPUT: '1',
  PLAYWRIGHT_BROWSERS_PATH: browsers,
};
