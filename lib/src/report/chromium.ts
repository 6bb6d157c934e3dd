/** Finds a Chromium to draw figures with; what it may not do (phone home, use a GPU) is in its flags. */
import './browsers.js';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** Training may hold every core: a start then takes far longer than its usual three seconds. */
const START_MS = 120_000;

/** As set-up looks for it, but for a CHROMIUM_PATH that names none: set-up looks further, and here it is said. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** What to do where there is none; ends a sentence that begins with what is left out. */
export function chromiumRemedy(): string {
  const { CHROMIUM_PATH } = process.env;
  return CHROMIUM_PATH ? `CHROMIUM_PATH names ${CHROMIUM_PATH}, which is not there (unset it, or set it to a Chromium)`
    : 'no Chromium was found (`npm run setup` looks for one and fetches it; or set CHROMIUM_PATH)';
}

/** Path of a Chromium or Chrome: CHROMIUM_PATH, then one on the PATH, then playwright's own; undefined where there is none. */
export function findChromium(): string | undefined {
  const { CHROMIUM_PATH } = process.env;
  if (CHROMIUM_PATH) return existsSync(CHROMIUM_PATH) ? CHROMIUM_PATH : undefined;
  const onPath = (process.env['PATH'] ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [...onPath, chromium.executablePath()].find((path) => existsSync(path) && starts(path));
}

/** Ubuntu has a command of the name that only says where to get one. */
function starts(path: string): boolean {
  let works = started.get(path);
  if (works === undefined) started.set(path, works = spawnSync(path, ['--version'], { stdio: 'ignore' }).status === 0);
  return works;
}
const started = new Map<string, boolean>();

/** Starts it headless; what Chromium keeps for itself goes to a temporary folder that disappears with it. */
export async function launchChromium(executablePath: string): Promise<Browser> {
  const home = mkdtempSync(join(tmpdir(), 'chromium-'));
  const forget = (): void => rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  try {
    const browser = await chromium.launch({
      executablePath,
      args: FLAGS,
      timeout: START_MS,
      // An interrupt ends a command, and stops a notebook's cell: playwright would end the kernel. Chromium ends with us.
      handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false,
      env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
    });
    browser.on('disconnected', forget);
    return browser;
  } catch (error) {
    forget();
    throw error;
  }
}
