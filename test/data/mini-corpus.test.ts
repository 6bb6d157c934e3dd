/** Every task of the mini corpus stands literally in its file. Runs where the wheels are in the cache (`npm run reproduce`). */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { openWorkspace } from 'code2lora';
import { checkTask } from '../../lib/dist/data/check-task.js';
import { distributionPath } from '../../lib/dist/data/sources/pypi.js';
import { pinnedCorpus } from '../../lib/dist/lab/keys.js';
import { cache } from '../../lib/dist/lab/paths.js';

const lab = openWorkspace({ profile: 'mini' });
const { projects } = pinnedCorpus(lab.profile)!;

test('pinned: licences, splits, families inside one split, no name twice', () => {
  const count = (split: string) => projects.filter((p) => p.split === split).length;
  assert.ok(projects.length >= 64 && count('cr_val') >= 8 && count('cr_test') >= 12);
  assert.equal(new Set(projects.map((p) => p.name)).size, projects.length);
  for (const { name, licence, sha256, file } of projects) {
    assert.match(sha256, /^[0-9a-f]{64}$/);
    assert.ok(file.endsWith('.whl') && licence && !/\b[AL]?GPL\b/.test(licence), `${name}: ${licence}`);
  }
  const splits = new Map<string, Set<string>>();
  for (const { family, split } of projects) if (family) splits.set(family, (splits.get(family) ?? new Set()).add(split));
  for (const [family, found] of splits) assert.equal(found.size, 1, family);
});

const fetched = projects.every((p) => existsSync(distributionPath(p, cache())));
test('every task is true to the bytes of its file', { skip: !fetched && 'the wheels are not in the cache' }, async () => {
  const { tasks, source } = await lab.corpus();
  const files = new Map((await source()).flatMap((r) => r.files.map((f) => [`${r.id}:${f.path}`, f.bytes])));
  assert.ok(tasks.length > 5000);
  assert.deepEqual(tasks.map((t) => checkTask(t, files.get(`${t.repo}:${t.file}`)!)).filter(Boolean), []);
});
