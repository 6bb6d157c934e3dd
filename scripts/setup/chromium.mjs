/**
 * Finds Chromium, which draws the exported figures and runs the browser test; where it is missing, tries playwright's
 * own and then apt. Without it the rest of the lab works, so a failure is said and remembered, and does not stop.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { browsers, cache, inRoot } from './paths.mjs';
import { asRoot } from './prerequisites.mjs';
import { run } from './run.mjs';
import { readStamp, writeStamp } from './stamp.mjs';

const stamp = join(cache, 'chromium.json');
const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Ubuntu has a command of the name that only says where to get one. */
const starts = (path) => existsSync(path) && spawnSync(path, ['--version'], { stdio: 'ignore' }).status === 0;

/** What playwright installed in the project, whether it starts or not. */
function fetched() {
  const found = existsSync(browsers) ? readdirSync(browsers).filter((name) => name.startsWith('chromium-')) : [];
  return found.flatMap((name) => ['chrome-linux', 'chrome-linux64', 'chrome-linux-arm64'].map((folder) => join(browsers, name, folder, 'chrome'))).filter(existsSync);
}

/** The path of a Chromium: $CHROMIUM_PATH, one on the PATH, or the one playwright installed in the project; or undefined. */
export function findChromium() {
  const onPath = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return [process.env.CHROMIUM_PATH, ...onPath, ...fetched()].find((path) => path && starts(path));
}

const attempts = [
  {
    possible: () => true,
    run: (log) =>
      run(process.execPath, [inRoot('node_modules/playwright-core/cli.js'), 'install', 'chromium', '--no-shell'], {
        log,
        timeoutSeconds: 300,
        env: { PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: '10000' },
      }),
  },
  {
    possible: () => process.getuid?.() === 0 && spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0,
    run: async (log) => {
      const env = { DEBIAN_FRONTEND: 'noninteractive' };
      await run('apt-get', ['update'], { log, append: true, timeoutSeconds: 120, env });
      await run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], { log, append: true, timeoutSeconds: 600, env });
    },
  },
];

export const chromium = {
  name: 'Chromium',
  usually: '20 to 60 s',
  log: 'chromium.log',
  fresh: () => findChromium() !== undefined || readStamp(stamp)?.failed === true,
  async run() {
    let lacksLibraries = false;
    for (const attempt of attempts) {
      if (!attempt.possible()) continue;
      try {
        await attempt.run(this.log);
      } catch {
        // The next attempt, or the plain word below.
      }
      const path = findChromium();
      if (path) return path;
      if (fetched().length) {
        // Who finds it there would try to start it.
        rmSync(browsers, { recursive: true, force: true });
        lacksLibraries = true;
      }
    }
    writeStamp(stamp, { failed: true });
    const remedy = lacksLibraries ? `playwright's lacks libraries of the system: ${asRoot('env PATH="$PATH" ')}${inRoot('node_modules/.bin/playwright-core')} install-deps chromium, delete ${stamp} and run this again`
      : `install a Chromium (on Debian: ${asRoot()}apt-get install -y chromium), or set CHROMIUM_PATH to one`;
    return `could not be installed: figures are not exported as SVG, PNG and PDF, and the browser test is skipped. To get both, ${remedy}`;
  },
};
