/** Finds a Chromium to draw figures with; what it may not do (phone home, use a GPU) is in its flags. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

export const CHROMIUM_FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** What to do where there is none; ends a sentence that begins with what is left out. */
export const CHROMIUM_REMEDY = 'no Chromium was found (`apt-get install chromium`, or `npx playwright-core install chromium`, or set CHROMIUM_PATH)';

/** Path of a Chromium or Chrome: CHROMIUM_PATH, then the usual places, then playwright's own; undefined where there is none. */
export function findChromium(): string | undefined {
  const { CHROMIUM_PATH } = process.env;
  if (CHROMIUM_PATH) return existsSync(CHROMIUM_PATH) ? CHROMIUM_PATH : undefined;
  return [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    chromium.executablePath(),
  ].find((path) => existsSync(path));
}
