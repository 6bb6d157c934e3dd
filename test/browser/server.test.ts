/** `npm run lab` without options: who may reach the notebook server, and how. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.js';
import { START_MS } from './lab.js';

/** Addresses, as the kernel writes them in hex, on which something listens at this port. */
function listening(port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return ['/proc/net/tcp', '/proc/net/tcp6'].filter(existsSync).flatMap((path) => readFileSync(path, 'utf8').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/)).filter(([, local, , state]) => state === '0A' && local?.endsWith(`:${hex}`)).map(([, local]) => local!.split(':')[0]!);
}
const LOOPBACK = ['0100007F', '00000000000000000000000001000000'];

test('the notebook server listens on the loopback address alone, and asks for its token', { timeout: 2 * START_MS }, async (t) => {
  const port = await freePort();
  const server = spawn(process.execPath, ['scripts/lab.mjs', '--no-browser', `--port=${port}`, '--ServerApp.port_retries=0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(async () => {
    server.kill('SIGTERM');
    if (server.exitCode === null) await once(server, 'exit');
  });
  let log = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => { log += text; });
  const deadline = Date.now() + START_MS;
  while (!/[?&]token=[0-9a-f]{32,}/.test(log) && server.exitCode === null && Date.now() < deadline) await sleep(200);
  const token = /[?&]token=([0-9a-f]{32,})/.exec(log)?.[1];
  assert.ok(token, `no token in ${log.slice(-1000)}`);
  const addresses = listening(port);
  assert.ok(addresses.length > 0 && addresses.every((address) => LOOPBACK.includes(address)), addresses.join(', '));
  const asked = async (query: string) => (await fetch(`http://127.0.0.1:${port}/api/contents${query}`)).status;
  assert.equal(await asked(''), 403, 'without the token');
  assert.equal(await asked('?token=00000000000000000000000000000000'), 403, 'with another');
  assert.equal(await asked(`?token=${token}`), 200, 'with it');
});
