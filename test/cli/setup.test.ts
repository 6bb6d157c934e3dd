/** What set-up gives its tools: the way to the network, and nothing that leads them to other folders or to fewer packages. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

test('settings of npm, pip and Python that lead elsewhere do not reach them, those of the network do', () => {
  const elsewhere = {
    NODE_ENV: 'production', npm_config_omit: 'dev', npm_config_prefix: '/x', npm_config_global: 'true', NPM_CONFIG_DRY_RUN: 'true', npm_config_cache: '/x',
    PIP_USER: '1', PIP_TARGET: '/x', PIP_PREFIX: '/x', PIP_REQUIRE_HASHES: '1', PIP_CONSTRAINT: '/x', PYTHONPATH: '/x', PYTHONHOME: '/x', VIRTUAL_ENV: '/x',
  };
  const network = {
    HTTPS_PROXY: 'p', npm_config_registry: 'r', npm_config_https_proxy: 'p', npm_config_cafile: 'c', npm_config_userconfig: 'u',
    PIP_INDEX_URL: 'i', PIP_EXTRA_INDEX_URL: 'e', PIP_CERT: 'c', PIP_TRUSTED_HOST: 't', PIP_PROXY: 'p',
  };
  const program = "import { toolEnv } from './scripts/setup/paths.mjs'; console.log(JSON.stringify(toolEnv));";
  const env = JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8', env: { PATH: process.env['PATH'], ...elsewhere, ...network },
  })) as Record<string, string>;
  for (const [name, value] of Object.entries(elsewhere)) assert.notEqual(env[name], value, name);
  for (const [name, value] of Object.entries(network)) assert.equal(env[name], value, name);
});
