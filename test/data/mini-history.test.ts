/**
 * The evolution track of the mini corpus against the Python oracle, and every task against its blob. Runs where the
 * histories are in the cache (notebook 01, or `npx code2lora curate --source pypi --track evolution`).
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { before, test } from 'node:test';
import { openWorkspace } from 'code2lora';
import { checkTask } from './check-task.js';
import { git } from '../../lib/dist/data/git/git.js';
import { headOf } from '../../lib/dist/data/git/write-history.js';
import { openParser } from '../../lib/dist/data/python.js';
import { cache } from '../../lib/dist/lab/paths.js';
import { compareWithOracle } from './evolution-oracle.js';

const folder = cache('histories');
const histories = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.git')) : [];
const skip = histories.length < 20 && 'the histories are not in the cache';
/** Python reads every version of every file again: four minutes. */
const skipOracle = skip || (!process.env['CODE2LORA_LONG_TESTS'] && 'set CODE2LORA_LONG_TESTS to run it');
before(openParser);

test('the oracle sees the same new assertions', { skip: skipOracle }, async (t) => {
  let both = 0, different = 0;
  for (const name of histories) {
    const gitDir = `${folder}/${name}`;
    const { both: same, onlyOurs, onlyOracle, unreadable } = await compareWithOracle(gitDir, await headOf(gitDir));
    both += same;
    different += onlyOurs.length + onlyOracle.length;
    t.diagnostic(`${name}: ${same} alike, ${onlyOurs.length} only ours, ${onlyOracle.length} only the oracle's, ${unreadable.size} files not read by Python`);
    for (const place of [...onlyOurs.slice(0, 3), ...onlyOracle.slice(0, 3)]) t.diagnostic(`  ${place}`);
  }
  assert.ok(both > 10_000);
  assert.ok(different <= 0.005 * (both + different), `${different} of ${both + different} differ`);
});

test('every task is true to the bytes of its blob', { skip }, async () => {
  const evolution = await openWorkspace({ profile: 'mini' }).evolution();
  const gitDirs = new Map(histories.map((name) => [name.replace(/-[0-9a-f]{12}\.git$/, ''), `${folder}/${name}`]));
  let tasks = 0;
  for await (const task of evolution.tasks()) {
    const bytes = await git(gitDirs.get(task.repo)!, ['cat-file', 'blob', `${task.commit}:${task.file}`]);
    assert.equal(checkTask(task, bytes), null, task.id);
    tasks++;
  }
  assert.ok(tasks > 1000);
});
