/**
 * One process at a time makes a result, also where several machines share a folder that knows no locks of its own: who finds
 * the file of another waits for him, and takes over where he is gone. On this machine that is asked of the system; of
 * another machine, whose processes cannot be seen from here, it is told by the time since he last touched the file.
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync, closeSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from './progress.js';

interface Holder {
  host: string;
  pid: number;
  /** When the process began, as the system counts: another process may bear the same number later. */
  began: string;
  /** ISO 8601. */
  since: string;
  token: string;
}

/** How often a holder touches its file, and after how long without it he counts as gone: a step of training lets nothing else happen. */
const TOUCH_MS = 20_000, GONE_MS = 15 * 60_000;
const LOOK_MS = 500;

/** Makes what is not `there`, unless another process has made it by the time that this one may. The rest as for `locked`. */
export async function ensure(there: () => boolean, path: string, what: string, progress: Progress, make: () => Promise<unknown>): Promise<void> {
  if (!there()) await locked(path, what, progress, async () => { if (!there()) await make(); });
}

/**
 * What `make` gives, while nobody else makes what `path` stands for.
 * @param what it is, for those who wait
 */
export async function locked<T>(path: string, what: string, progress: Progress, make: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`, mine: Holder = { host: hostname(), pid: process.pid, began: beginningOf(process.pid) ?? '', since: new Date().toISOString(), token: randomUUID() };
  mkdirSync(dirname(lock), { recursive: true });
  const file = openSync(`${lock}.${mine.token}`, 'a');
  let touch: NodeJS.Timeout | undefined;
  try {
    writeSync(file, JSON.stringify(mine));
    await take(lock, mine, ({ host, pid, since }) =>
      progress({ stage: `${what}: waiting for process ${pid}${host === mine.host ? '' : ` on ${host}`}, at it since ${since.slice(0, 16).replace('T', ' ')} UTC`, done: 0, total: 1 }));
    // A space more: the time that the file bears is then that of the machine that holds the folder.
    touch = setInterval(() => {
      try {
        writeSync(file, ' ');
      } catch {
        // A full disk, or a network folder that lost it: at worst another takes over, and makes the same.
      }
    }, TOUCH_MS).unref();
    return await make();
  } finally {
    clearInterval(touch);
    closeSync(file);
    // Still there where the disk was full before it said anything.
    rmSync(`${lock}.${mine.token}`, { force: true });
    // One who thought this process gone may have taken over: both make the same, and files are written whole.
    if (read(lock)?.token === mine.token) rmSync(lock, { force: true });
  }
}

async function take(lock: string, mine: Holder, onWait: (holder: Holder) => void): Promise<void> {
  const own = `${lock}.${mine.token}`;
  try {
    for (;;) {
      try {
        // Linked into place, a file is there whole or not at all, on network folders too.
        return linkSync(own, lock);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = read(lock);
      if (holder && isThere(holder, lock, own)) {
        onWait(holder);
        await sleep(LOOK_MS);
      } else {
        remove(lock, holder);
      }
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/** Removes the file of one who is gone, and not that of another who was quicker to take over. */
function remove(lock: string, gone: Holder | undefined): void {
  const aside = `${lock}.${randomUUID()}`;
  try {
    renameSync(lock, aside);
  } catch {
    return;
  }
  if (read(aside)?.token !== gone?.token) {
    try {
      linkSync(aside, lock);
    } catch {
      // Somebody has it already.
    }
  }
  unlinkSync(aside);
}

function isThere({ host, pid, began }: Holder, lock: string, own: string): boolean {
  if (host === hostname()) return began !== '' && beginningOf(pid) === began;
  try {
    appendFileSync(own, ' ');
    return statSync(own).mtimeMs - statSync(lock).mtimeMs < GONE_MS;
  } catch {
    return false;
  }
}

/** When a process of this machine began; undefined where there is none. */
function beginningOf(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ');
    // A zombie is gone, though its parent has not looked yet.
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function read(path: string): Holder | undefined {
  try {
    const { host, pid, began, since, token } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Holder>;
    return typeof host === 'string' && typeof pid === 'number' && typeof began === 'string' && typeof since === 'string' && typeof token === 'string'
      ? { host, pid, began, since, token } : undefined;
  } catch {
    return undefined;
  }
}
