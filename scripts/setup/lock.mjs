/**
 * One set-up at a time. Who finds the lock held waits; who finds its holder dead ends what that holder left running
 * (a killed set-up's npm or pip would otherwise still write into the folders that the next one makes) and takes over.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cache, toolEnv } from './paths.mjs';

const path = join(cache, 'setup.lock');
/** Every process that set-up starts carries this variable with the lock's token. */
const mark = 'CODE2LORA_SETUP';

/** What a lock says of its holder: nothing where it is gone, or was cut by a crash. */
function read(file = path) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function alive({ pid }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's may be anything: its command line says what.
    if (error.code !== 'EPERM') return false;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('setup.mjs');
  } catch {
    return false;
  }
}

function endOrphans(token) {
  for (let left = true; left; ) {
    left = false;
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${mark}=${token}`)) continue;
        process.kill(Number(pid), 'SIGKILL');
        left = true;
      } catch {
        // Gone, or another user's.
      }
    }
  }
}

/** Takes the lock; `onWait` is told once whom it waits for. Returns the function that gives it back. */
export async function takeLock(onWait) {
  mkdirSync(cache, { recursive: true });
  const mine = { pid: process.pid, token: randomUUID() };
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, JSON.stringify(mine));
  let told = false;
  for (;;) {
    try {
      linkSync(beside, path);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = read();
    if (holder && alive(holder)) {
      if (!told) onWait(holder.pid);
      told = true;
      await sleep(500);
      continue;
    }
    if (holder) endOrphans(holder.token);
    const stale = `${path}.${randomUUID()}.tmp`;
    try {
      renameSync(path, stale);
      // Another waiter may have taken over since we looked: then what we moved is its lock, and it gets it back.
      if (read(stale)?.token !== holder?.token) linkSync(stale, path);
      unlinkSync(stale);
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
    }
  }
  unlinkSync(beside);
  toolEnv[mark] = mine.token;
  return () => {
    if (read()?.token === mine.token) rmSync(path, { force: true });
  };
}
