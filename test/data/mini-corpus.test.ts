/**
 * The pinned corpora are what they say, and every task of the mini corpus stands literally in its file. The latter runs
 * where the wheels are in the cache (`npm run reproduce`).
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openWorkspace } from 'code2lora';
import { checkTask } from './check-task.js';
import { readProjects } from '../../lib/dist/data/sources/corpus-file.js';
import { distributionPath } from '../../lib/dist/data/sources/pypi.js';
import { cache, data } from '../../lib/dist/lab/paths.js';

const lab = openWorkspace({ profile: 'mini' });
const { projects, releases } = readProjects(data('corpora', 'mini.json'));
const CUTOFF = '2025-04-01T00:00:00Z';

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

test('pinned elsewhere: licences that give all leave, families inside one split; what nano-coder was trained on is asked nowhere', () => {
  const pypi = readProjects(data('corpora', 'pypi.json')).projects, git = JSON.parse(readFileSync(data('corpora', 'mini-git.json'), 'utf8')) as GitCorpus;
  const { projects: pretrain } = JSON.parse(readFileSync(data('corpora', 'pretrain.json'), 'utf8')) as { projects: { name: string; licence: string; sha256: string }[] };
  for (const { name, licence, sha256 } of [...pypi, ...pretrain]) {
    assert.match(sha256, /^[0-9a-f]{64}$/, name);
    assert.ok(/MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Zope/.test(licence) && !/GPL/.test(licence), `${name}: ${licence}`);
  }
  assert.equal(new Set(pypi.map((p) => p.name)).size, pypi.length);
  const splits = new Map<string, Set<string>>();
  for (const { family, split } of pypi) if (family) splits.set(family, (splits.get(family) ?? new Set()).add(split));
  for (const [family, found] of splits) assert.equal(found.size, 1, family);
  const plain = (name: string) => name.split('/').at(-1)!.toLowerCase().replace(/[-_.]+/g, '-');
  const seen = new Set(pretrain.map(({ name }) => plain(name)));
  assert.deepEqual([...projects, ...pypi].filter(({ name }) => seen.has(plain(name))).map(({ name }) => name), []);
  assert.deepEqual(git.repositories.filter(({ id, split }) => split !== 'train' && seen.has(plain(id))).map(({ id }) => id), []);
});

test('pinned releases: five to eight a project, in order, before the cut-off, in all splits', () => {
  const histories = Object.entries(releases!);
  const splits = histories.map(([name]) => projects.find((p) => p.name === name)!.split);
  const count = (split: string) => splits.filter((s) => s === split).length;
  assert.ok(count('train') >= 10 && count('cr_val') >= 4 && count('cr_test') >= 6);
  const files = histories.flatMap(([, list]) => list.map(({ file }) => file));
  assert.equal(new Set(files).size, files.length);
  for (const [name, list] of histories) {
    assert.ok(list.length >= 5 && list.length <= 8, name);
    const times = list.map(({ uploaded }) => uploaded);
    for (const time of times) assert.equal(new Date(time).toISOString().replace('.000', ''), time);
    assert.deepEqual(times, [...new Set(times)].sort(), name);
    assert.ok(times.at(-1)! < CUTOFF, name);
    for (const { file, version, sha256 } of list) {
      assert.match(sha256, /^[0-9a-f]{64}$/);
      assert.ok(file.endsWith('.whl') && file.split('-')[1] === version, file);
    }
  }
});

interface GitCorpus {
  cutoff: string;
  repositories: { id: string; url: string; commit: string; firstCommit: string; commits: number; licence: string; split: string }[];
}

test('pinned git repositories: licences, commits, cut-off, families inside one split', () => {
  const { cutoff, repositories } = JSON.parse(readFileSync(data('corpora', 'mini-git.json'), 'utf8')) as GitCorpus;
  assert.equal(cutoff, CUTOFF.slice(0, 10));
  assert.ok(repositories.length >= 120);
  assert.equal(new Set(repositories.map(({ id }) => id.toLowerCase())).size, repositories.length);
  const count = (split: string) => repositories.filter((r) => r.split === split).length;
  const known = repositories.length - count('ood_test');
  assert.equal(count('train') + count('cr_val') + count('cr_test'), known);
  assert.ok(count('ood_test') >= 4 && count('cr_val') / known > 0.1 && count('cr_test') / known > 0.15 && count('train') / known > 0.65);
  for (const { id, url, commit, firstCommit, commits, licence, split } of repositories) {
    assert.match(commit, /^[0-9a-f]{40}$/, id);
    assert.equal(url, `https://github.com/${id}`);
    assert.ok(commits >= 60, id);
    for (const part of licence.split(/ (?:AND|OR) /)) assert.ok(['MIT', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0'].includes(part), `${id}: ${licence}`);
    assert.equal(split === 'ood_test', firstCommit >= CUTOFF, id);
  }
  const siblings: Record<string, string> = {
    'tox-dev': 'pypa', 'python-attrs': 'hynek', 'pallets-eco': 'pallets', sloria: 'marshmallow-code', python: 'jaraco', asottile: 'pre-commit', 'python-pendulum': 'python-poetry',
  };
  const splits = new Map<string, Set<string>>();
  for (const { id, split } of repositories) {
    // Those of after the cut-off share an owner at most: nobody had seen them.
    if (split === 'ood_test') continue;
    const owner = id.split('/')[0]!, family = siblings[owner] ?? owner;
    splits.set(family, (splits.get(family) ?? new Set()).add(split));
  }
  for (const [family, found] of splits) assert.equal(found.size, 1, family);
});

const fetched = projects.every((p) => existsSync(distributionPath(p, cache())));
test('every task is true to the bytes of its file', { skip: !fetched && 'the wheels are not in the cache' }, async () => {
  const { tasks, source } = await lab.corpus();
  const files = new Map((await source()).flatMap((r) => r.files.map((f) => [`${r.id}:${f.path}`, f.bytes])));
  assert.ok(tasks.length > 5000);
  assert.deepEqual(tasks.map((t) => checkTask(t, files.get(`${t.repo}:${t.file}`)!)).filter(Boolean), []);
});

const long = Boolean(process.env['CODE2LORA_LONG_TESTS']);
test("every task's target is one for Python's ast too", { skip: (!fetched && 'the wheels are not in the cache') || (!long && 'set CODE2LORA_LONG_TESTS to run it') }, async (t) => {
  const { tasks, source } = await lab.corpus();
  const folder = mkdtempSync(join(tmpdir(), 'mini-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const wanted = new Map<string, Set<string>>();
  for (const { repo, file, family, byteStart, byteEnd } of tasks) {
    const key = `${repo}:${file}`;
    wanted.set(key, (wanted.get(key) ?? new Set()).add(`${family} ${byteStart} ${byteEnd}`));
  }
  const files = (await source()).flatMap((r) => r.files.map((f) => ({ key: `${r.id}:${f.path}`, bytes: f.bytes }))).filter(({ key }) => wanted.has(key));
  files.forEach(({ bytes }, i) => writeFileSync(join(folder, `${i}.py`), bytes));
  const { stdout, status, stderr } = spawnSync(existsSync('.venv/bin/python') ? '.venv/bin/python' : 'python3', ['test/data/oracle.py'],
    { input: files.map((_, i) => join(folder, `${i}.py`)).join('\n'), encoding: 'utf8', maxBuffer: 2 ** 30 });
  assert.equal(status, 0, stderr);
  const found = stdout.trim().split('\n').map((line) => JSON.parse(line) as [string, number, number][] | null);
  const differing = files.flatMap(({ key }, i) => {
    const theirs = new Set(found[i]?.map((row) => row.join(' ')));
    return [...wanted.get(key)!].filter((place) => !theirs.has(place)).map((place) => `${key} ${place}${found[i] ? '' : ' (Python cannot parse it)'}`);
  });
  t.diagnostic(`${tasks.length - differing.length} of ${tasks.length} tasks alike`);
  for (const line of differing) t.diagnostic(line);
  assert.ok(differing.length <= 0.005 * tasks.length);
});
