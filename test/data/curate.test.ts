/** The command that makes a benchmark of a local repository: what it says, and that it says and writes the same twice. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { filesUnder, makeRepository } from './git-repositories.js';

const folder = mkdtempSync(join(tmpdir(), 'curate-'));
const repository = join(folder, 'demo.git');
after(() => rmSync(folder, { recursive: true }));
before(() => {
  const tests = (n: number) => Array.from({ length: n }, (_, i) => `def test_${i}():\n    assert area(${i}) == ${1000 + i}\n`).join('\n');
  makeRepository(repository, Array.from({ length: 12 }, (_, i) => ({
    files: { 'shapes.py': `def area(x):\n    return x + ${i}\n`, 'tests/test_shapes.py': tests(i + 1), 'tests/test_latin1.py': Buffer.from([0x23, 0xe9]) },
  })));
});

function curate(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['lib/bin/code2lora.js', 'curate', ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

for (const track of ['static', 'evolution']) {
  test(`${track}: says what was kept and dropped, and two runs write the same bytes`, () => {
    const out = (name: string) => join(folder, `${track}-${name}`);
    const runs = ['a', 'b'].map((name) => {
      const { status, stdout, stderr } = curate('--source', 'git', '--path', repository, '--track', track, '--out', out(name));
      assert.equal(status, 0, stderr);
      assert.match(stdout, /12 tasks of 1 repositories/);
      assert.match(stdout, /Assertions that gave no task: none|Assertions that gave no task: \d+ \w+/);
      assert.match(stdout, /Leakage: 0 tasks shared/);
      return Object.fromEntries(Object.entries(filesUnder(out(name))).map(([path, hash]) => [path.slice(out(name).length), hash]));
    });
    assert.ok(Object.keys(runs[0]!).length >= 4, Object.keys(runs[0]!).join(' '));
    assert.deepEqual(runs[0], runs[1]);
    if (track === 'evolution') {
      const report = JSON.parse(readFileSync(join(out('a'), 'curation.json'), 'utf8')) as { repositories: { commits: number; commitsRead: number }[] };
      assert.equal(report.repositories[0]!.commits, 12);
      assert.equal(report.repositories[0]!.commitsRead, 12);
    }
  });
}

test('a run that fails leaves the result that was there', () => {
  const out = join(folder, 'kept');
  assert.equal(curate('--source', 'git', '--path', repository, '--track', 'evolution', '--out', out).status, 0);
  const before = filesUnder(out);
  const { status, stderr } = curate('--source', 'git', '--path', join(folder, 'nowhere'), '--track', 'evolution', '--out', out);
  assert.equal(status, 1);
  assert.match(stderr, /There is no git repository at .*nowhere/);
  assert.deepEqual(filesUnder(out), before);
});

test('mistakes give one line', () => {
  for (const [args, message] of [
    [['--source', 'svn', '--out', folder], /--source is one of git, pypi, synthetic, hub, not svn/],
    [['--source', 'git', '--path', repository], /Give a folder with --out/],
    [['--source', 'git', '--path', repository, '--track', 'both', '--out', folder], /--track is one of static, evolution, not both/],
    [['--source', 'git', '--path', repository, '--cutoff', 'soon', '--out', folder], /--cutoff soon is no date/],
    [['--nonsense'], /--nonsense/],
  ] as const) {
    const { status, stderr } = curate(...args);
    assert.equal(status, 1);
    assert.match(stderr, message);
    assert.equal(stderr.trim().split('\n').filter((line) => !/\[[█·]+\]/.test(line)).length, 1, stderr);
  }
});
