/** The files that an encoder reads at commits of a made-up history. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { filesAt } from '../../lib/dist/encoder/history-files.js';
import { inPart, released } from '../../lib/dist/encoder/recipe.js';
import { git, makeRepository } from '../data/git-repositories.js';

const root = mkdtempSync(join(tmpdir(), 'history-'));
after(() => rmSync(root, { recursive: true }));
const long = Array.from({ length: 30 }, (_, i) => `value_${i} = ${i}\n`).join('');

test('files as they are at each commit: renames, deletions, links, and source that turns into a test', async () => {
  const gitDir = join(root, 'a.git');
  const ids = makeRepository(gitDir, [
    { files: { 'a.py': 'x = 1\n', 'b.py': long, 'README.md': '# A\n', 'blank.py': '\n' } },
    { files: { 'a.py': 'x = 2\n', 'c/b.py': long, 'b.py': 'new = 1\n' } },
    { files: { 'c/b.py': null, 'd/b.py': long, 'l.py': { link: 'a.py' } } },
    { files: { 'a.py': 'import pytest\nx = 3\n', 'b.py': null } },
  ]);
  const history = { id: 'a', licence: 'MIT', split: 'train' as const, gitDir, head: ids.at(-1)! };
  const at = async (commits: string[], recipe = inPart) => {
    const out: Record<string, string[]> = {};
    for await (const { commit, files } of filesAt(history, new Set(commits), recipe)) {
      for (const file of files) assert.equal(file.blob, git(gitDir, ['rev-parse', `${commit}:${file.path}`]).toString().trim());
      out[commit] = files.map(({ path, text }) => `${path} ${text.slice(0, 7).trim()}`).sort();
    }
    return Object.keys(out).sort((a, b) => ids.indexOf(a) - ids.indexOf(b)).map((id) => out[id]);
  };
  assert.deepEqual(await at(ids), [
    ['a.py x = 1', 'b.py value_0'],
    ['a.py x = 2', 'b.py new = 1', 'c/b.py value_0'],
    ['a.py x = 2', 'b.py new = 1', 'd/b.py value_0'],
    ['d/b.py value_0'],
  ]);
  assert.deepEqual(await at([ids[3]!], released), [['a.py import', 'd/b.py value_0']]);
  assert.deepEqual(await at([ids[0]!], { ...inPart, files: 'source+docs' }), [['README.md # A', 'a.py x = 1', 'b.py value_0']]);
});
