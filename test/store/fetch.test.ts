/** The network is reached through the proxy that the environment names, by our own requests and by git, and past it where it says so. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { fetchHere } from '../../lib/dist/store/fetch.js';

const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
const asked: string[] = [];
/** Lets everything through to the one server there is, whatever host is named. */
const proxy = createServer(), server = createServer((request, response) => response.end(`${request.headers.host}${request.url}`));
const address = (of: typeof proxy) => `http://127.0.0.1:${(of.address() as AddressInfo).port}`;
proxy.on('connect', (request, socket) => {
  asked.push(request.url!);
  if (request.url!.endsWith(':443')) return socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  const through = connect((server.address() as AddressInfo).port, '127.0.0.1', () => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    through.pipe(socket).pipe(through);
  });
  return through;
});
const NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
const saved = NAMES.map((name) => [name, process.env[name]] as const);
before(async () => {
  for (const one of [proxy, server]) await once(one.listen(0, '127.0.0.1'), 'listening');
});
beforeEach(() => {
  for (const name of NAMES) delete process.env[name];
  asked.length = 0;
});
after(() => {
  for (const [name, value] of saved) if (value !== undefined) process.env[name] = value;
  for (const one of [proxy, server]) {
    one.closeAllConnections();
    one.close();
  }
  rmSync(folder, { recursive: true });
});

test('our own requests', async () => {
  const text = async (url: string) => (await fetchHere(url)).text();
  assert.match(await text(`${address(server)}/straight`), /\/straight$/);
  assert.deepEqual(asked, []);
  for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']) {
    process.env[name] = address(proxy);
    assert.equal(await text('http://nowhere.invalid/x'), 'nowhere.invalid/x', name);
    delete process.env[name];
  }
  assert.deepEqual(asked, Array(4).fill('nowhere.invalid:80'));
  process.env['HTTPS_PROXY'] = address(proxy);
  await assert.rejects(fetchHere('https://nowhere.invalid/x'));
  assert.equal(asked.at(-1), 'nowhere.invalid:443');
  process.env['HTTP_PROXY'] = address(proxy);
  process.env['NO_PROXY'] = '127.0.0.1';
  assert.match(await text(`${address(server)}/past`), /\/past$/);
  assert.equal(asked.length, 5);
});

test('a proxy of another kind is told, without its password', () => {
  process.env['ALL_PROXY'] = 'socks5://me:secret@127.0.0.1:1';
  assert.throws(() => fetchHere('http://nowhere.invalid'), { name: 'UserError', message: 'The proxy socks5://…@127.0.0.1:1 is none of http:// or https://: set HTTP_PROXY and HTTPS_PROXY to such ones.' });
});

test("git, by the environment and by the user's own settings", async () => {
  const corpus = join(folder, 'corpus.json'), home = join(folder, 'home');
  writeFileSync(corpus, JSON.stringify({ repositories: [{ id: 'me/shop', url: 'https://git.invalid/me/shop', licence: 'MIT', split: 'train' }] }));
  mkdirSync(home);
  execFileSync('git', ['config', '--file', join(home, '.gitconfig'), 'http.proxy', address(proxy)]);
  for (const env of [{ HTTPS_PROXY: address(proxy) }, { ALL_PROXY: address(proxy) }, { HOME: home }]) {
    asked.length = 0;
    const child = spawn(process.execPath, ['lib/bin/code2lora.js', 'curate', '--source', 'git', '--corpus', corpus, '--out', join(folder, 'out')],
      { env: { ...process.env, CODE2LORA_OUTPUT: folder, ...env }, stdio: 'ignore' });
    assert.deepEqual(await once(child, 'close'), [1, null]);
    assert.deepEqual(asked, ['git.invalid:443'], JSON.stringify(env));
  }
});
