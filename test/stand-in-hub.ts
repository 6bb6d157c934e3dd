/** The hub's interface on this machine, for one repository: lists in pages, redirects to another host, ranges. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UserError } from '../lib/dist/store/errors.js';
import { sha256 } from '../lib/dist/store/hash.js';

const LARGE = /\.(parquet|safetensors|pt|gguf|bin)$/;

export class StandInHub {
  /** What the hub says of a file, and how much of its content it gave. */
  readonly says = new Map<string, string>();
  readonly served = new Map<string, number>();
  files = new Map<string, Buffer>();
  requests = 0;
  breakAfter = Infinity;
  status = 0;
  token: string | undefined;
  /** The hub redirects to the content's store, here another host name. */
  readonly #store = createServer((request, response) => this.#answer(request, response));
  readonly #hub = createServer((request, response) => this.#answer(request, response));

  /** @param commit the one there is, which main stands for */
  constructor(readonly type: 'dataset' | 'model', readonly name: string, readonly commit: string) {}

  async start(): Promise<void> {
    // While a test computes, the server would close a connection that the client is about to use again.
    this.#hub.keepAliveTimeout = this.#store.keepAliveTimeout = 0;
    await new Promise<void>((resolve) => this.#hub.listen(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => this.#store.listen(0, 'localhost', resolve));
  }

  /** As it was at the start, and the one that HF_ENDPOINT names. */
  reset(): void {
    Object.assign(process.env, { HF_ENDPOINT: `${address(this.#hub, '127.0.0.1')}/` });
    delete process.env['HF_TOKEN'];
    this.served.clear();
    this.says.clear();
    Object.assign(this, { requests: 0, breakAfter: Infinity, status: 0, token: undefined });
  }

  stop(): void {
    for (const server of [this.#hub, this.#store]) {
      server.closeAllConnections();
      server.close();
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests++;
    const url = new URL(request.url!, 'http://hub'), api = `/api/${this.type}s/${this.name}`;
    const resolve = `${this.type === 'dataset' ? '/datasets' : ''}/${this.name}/resolve/${this.commit}/`;
    if (url.pathname.startsWith('/store/')) {
      this.#content(decodeURIComponent(url.pathname.slice(7)), request, response);
    } else if (this.status) {
      response.writeHead(this.status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: 'Said by\nthe hub' }));
    } else if (this.token && request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401).end();
    } else if (url.pathname === `${api}/revision/main`) {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ _id: '1', id: this.name, sha: this.commit }));
    } else if (url.pathname === `${api}/tree/${this.commit}`) {
      this.#list(url, response);
    } else if (url.pathname.startsWith(resolve)) {
      response.writeHead(302, { location: `${address(this.#store, 'localhost')}/store/${url.pathname.slice(resolve.length)}` }).end();
    } else {
      response.writeHead(404, { 'x-error-code': 'RepoNotFound' }).end();
    }
  }

  #list(url: URL, response: ServerResponse): void {
    const all = [...this.files].map(([path, bytes]) => ({
      type: 'file', path, size: bytes.length, oid: this.says.get(path) ?? gitHash(bytes),
      ...(LARGE.test(path) && { lfs: { oid: this.says.get(path) ?? sha256(bytes), size: bytes.length } }),
    }));
    const second = url.searchParams.has('cursor');
    if (!second) response.setHeader('link', `<${address(this.#hub, '127.0.0.1')}${url.pathname}?recursive=true&cursor=x>; rel="next"`);
    response.setHeader('content-type', 'application/json')
      .end(JSON.stringify(second ? all.slice(4) : [{ type: 'directory', path: 'qna', size: 0 }, ...all.slice(0, 4)]));
  }

  #content(path: string, request: IncomingMessage, response: ServerResponse): void {
    assert.equal(request.headers.authorization, undefined, 'a token went to another host');
    const bytes = this.files.get(path)!;
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const part = from === undefined ? bytes : bytes.subarray(Number(from), to ? Number(to) + 1 : undefined);
    response.writeHead(from === undefined ? 200 : 206, {
      etag: `"${sha256(bytes)}"`, 'content-length': part.length, ...(from !== undefined && { 'content-range': `bytes ${from}-${to}/${bytes.length}` }),
    });
    const probe = to === '0';
    const sent = part.subarray(0, probe ? 1 : this.breakAfter);
    if (!probe) this.served.set(path, (this.served.get(path) ?? 0) + sent.length);
    if (sent.length < part.length) response.write(sent, () => setTimeout(() => response.destroy(), 100));
    else response.end(sent);
  }
}

/** What `git hash-object` prints. */
const gitHash = (bytes: Buffer) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

export const address = (server: ReturnType<typeof createServer>, host: string) => `http://${host}:${(server.address() as AddressInfo).port}`;

export const bytesOf = (seed: number, length: number) => Buffer.from(Array.from({ length }, (_, i) => (i * seed + (i >> 8)) & 255));

/** Fails with a UserError of one line that says this. */
export const fails = (work: Promise<unknown>, pattern: RegExp) => assert.rejects(work, (error: unknown) => {
  assert.ok(error instanceof UserError, String((error as Error).stack));
  assert.ok(!error.message.includes('\n'));
  assert.match(error.message, pattern);
  return true;
});
