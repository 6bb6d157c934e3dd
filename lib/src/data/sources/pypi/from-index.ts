/**
 * Pinned files straight from the package index: it is asked where a file lies (PEP 691), and that file is fetched. Of a
 * source distribution pip would run the project's own build to learn what it is; here nothing is run. PIP_INDEX_URL names
 * another index or a mirror, as for pip.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFileAtomic } from '../../../store/atomic.js';
import { UserError } from '../../../store/errors.js';
import { fetchHere } from '../../../store/fetch.js';
import { sha256 } from '../../../store/hash.js';
import type { Pin } from './pins.js';

/** Files asked for at once. */
const AT_ONCE = 6;
/** An answer that takes longer is given up. */
const TIMEOUT_MS = 120_000;
const AGAIN = 'run the same command again, it goes on where it was';

/**
 * Fetches each pin to its path. What was finished before an error stays.
 * @param tick after each file
 * @throws UserError in one line: no network, no such file in the index, other content than the pinned
 */
export async function fetchFromIndex(pins: readonly Pin[], pathOf: (pin: Pin) => string, tick: () => void): Promise<void> {
  const queue = [...pins];
  const work = async () => {
    for (let pin = queue.shift(); pin; pin = queue.shift()) {
      const answer = await fetched(await linkOf(pin), pin.file);
      const content = new Uint8Array(await answer.arrayBuffer().catch(unreachable(pin.file)));
      if (sha256(content) !== pin.sha256) throw new UserError(`${pin.file} does not have the pinned SHA-256: its download broke off, or the index serves another file. It was not kept; ${AGAIN}.`);
      const path = pathOf(pin);
      mkdirSync(dirname(path), { recursive: true });
      writeFileAtomic(path, content);
      tick();
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    // The others end with the file that they are at.
    queue.length = 0;
  }
}

const named = (): string => (process.env['PIP_INDEX_URL'] || 'https://pypi.org/simple').replace(/\/+$/, '');

/** The index without user and password, and what says these to its host. */
function index(): { url: string; host: string; authorization: Record<string, string> } {
  if (!URL.canParse(named())) throw new UserError('PIP_INDEX_URL is no address: set it to one such as https://pypi.org/simple.');
  const url = new URL(named()), { username, password, host } = url;
  url.username = url.password = '';
  const authorization = username || password ? { authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}` } : {};
  return { url: url.href.replace(/\/+$/, ''), host, authorization };
}

/** Where the index says that the file lies. */
async function linkOf({ name, version, file }: Pin): Promise<string> {
  const page = `${index().url}/${name}/`;
  const answer = await fetched(page, name, { accept: 'application/vnd.pypi.simple.v1+json' });
  const listed = await answer.json().catch(() => undefined) as { files?: unknown } | undefined;
  if (!listed || !Array.isArray(listed.files)) throw new UserError(`${page} gives no list of files as JSON (PEP 691): set PIP_INDEX_URL to an index that does, such as https://pypi.org/simple.`);
  for (const entry of listed.files as unknown[]) {
    const { filename, url } = (entry ?? {}) as Record<string, unknown>;
    if (filename === file && typeof url === 'string') return new URL(url, page).href;
  }
  throw new UserError(`The package index has no file ${file} of ${name} ${version}: check the pin, or the index with PIP_INDEX_URL (now ${index().url}).`);
}

async function fetched(url: string, what: string, headers: Record<string, string> = {}): Promise<Response> {
  const { host, authorization } = index();
  const answer = await fetchHere(url, { headers: { ...headers, ...(new URL(url).host === host && authorization) }, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(unreachable(what));
  if (answer.status === 404) throw new UserError(`The package index has no ${what} (${url}): check the pin, or the index with PIP_INDEX_URL.`);
  if (!answer.ok) throw new UserError(`${url} answered ${answer.status}: ${AGAIN}, or set PIP_INDEX_URL to another index.`);
  return answer;
}

/** Node hides the reason in `cause`. */
const unreachable = (what: string) => (error: Error): never => {
  const cause = error.cause instanceof Error ? error.cause.message : error.message;
  throw new UserError(`No answer from the package index about ${what} (${cause}): check the network, or set PIP_INDEX_URL to a mirror, then ${AGAIN}.`);
};
