/** Corpus files, good and bad: those of the project, a user's own, and the mistakes that people make in them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, test } from 'node:test';
import { readCorpusFile, readProjects, readRepositories } from '../../../lib/dist/data/sources/corpus-file.js';
import type { Profile } from '../../../lib/dist/profiles.js';
import { UserError } from '../../../lib/dist/store/errors.js';
import { silent } from '../../../lib/dist/store/progress.js';
import { FIRST, HOUR, makeRepository } from '../git-repositories.js';

const folder = mkdtempSync(join(tmpdir(), 'corpus-file-'));
after(() => rmSync(folder, { recursive: true }));
process.env['CODE2LORA_OUTPUT'] = join(folder, 'output');
const { data } = await import('../../../lib/dist/lab/paths.js');
const { openCorpus } = await import('../../../lib/dist/lab/corpus.js');
const { openEvolution } = await import('../../../lib/dist/lab/evolution.js');
const { corpusKey, evolutionKey, hasHistories } = await import('../../../lib/dist/lab/keys.js');
const { MIRROR } = await import('../../../lib/dist/lab/source.js');
const { profileNamed } = await import('../../../lib/dist/profiles.js');

let files = 0;
const file = (content: unknown): string => {
  const path = join(folder, `${files++}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};
const shop = { id: 'me/shop', licence: 'MIT', split: 'train' };
const wheel = { name: 'shop', version: '1', file: 'shop-1-py3-none-any.whl', sha256: '0'.repeat(64), licence: 'MIT', split: 'train' };
const says = (pattern: RegExp) => (error: unknown) => error instanceof UserError && !error.message.includes('\n') && pattern.test(error.message);

test('the corpora of the project are read', () => {
  for (const name of readdirSync(data('corpora'))) {
    if (!('split' in ((JSON.parse(readFileSync(data('corpora', name), 'utf8')) as { projects?: object[]; repositories?: object[] }).projects?.[0] ?? { split: 1 }))) continue;
    readCorpusFile(data('corpora', name));
  }
  assert.ok(readRepositories(data('corpora', 'mini-git.json')).repositories.length >= 120);
});

test('a byte order mark and fields of no meaning here are nothing to fail for', () => {
  assert.deepEqual(readRepositories(file(`\uFEFF${JSON.stringify({ repositories: [{ ...shop, stars: 3 }] })}`)).repositories, [{ ...shop, stars: 3 }]);
});

test('every mistake is told in one line that names the file, the entry and the field', () => {
  const bad: [unknown, RegExp][] = [
    ['{"repositories": [', /\.json: it is not JSON/], ['[]', /no object/], [{ name: 'x' }, /neither "projects" .* nor "repositories"/],
    [{ repositories: [] }, /repositories is empty/], [{ repositories: ['me/shop'] }, /entry 1 of repositories is no object/],
    [{ repositories: [{ ...shop, split: 'test' }] }, /entry 1 of repositories \(me\/shop\) has the split "test": it is one of train, cr_val, cr_test, ood_test/],
    [{ repositories: [{ ...shop, split: 'Train' }] }, /the split "Train"/], [{ repositories: [{ id: 'me/shop', licence: 'MIT' }] }, /\(me\/shop\) has no split/],
    [{ repositories: [{ licence: 'MIT', split: 'train' }] }, /entry 1 of repositories has no id/], [{ repositories: [shop, { ...shop, id: 'me/x', licence: 1 }] }, /entry 2 .* has no licence/],
    [{ repositories: [shop, shop] }, /entry 2 .* stands there twice/], [{ repositories: [{ ...shop, commit: 7 }] }, /the commit of entry 1 .* is no text/],
    [{ repositories: [shop], cutoff: '2025-4-1' }, /"cutoff" "2025-4-1" is no day/], [{ repositories: [shop], cutoff: 2025 }, /"cutoff" "2025" is no day/],
    [{ projects: [{ ...wheel, split: undefined }] }, /has no split/], [{ projects: [{ ...wheel, sha256: 'x' }] }, /64 hex digits/], [{ projects: [{ ...wheel, file: undefined }] }, /has no file/],
    [{ projects: [wheel], releases: { other: [] } }, /releases of "other", which is none/], [{ projects: [wheel], releases: { shop: [{ version: '1' }] } }, /a release of shop lacks/],
    [{ projects: [wheel], releases: { shop: {} } }, /the releases of shop are no list/],
  ];
  for (const [content, pattern] of bad) assert.throws(() => readCorpusFile(file(content)), says(pattern), `${pattern}`);
  assert.throws(() => readCorpusFile(join(folder, 'none.json')), says(/cannot be read \(ENOENT\)/));
  assert.throws(() => readCorpusFile(folder), says(/cannot be read \(EISDIR\)/));
});

test("a file for the other source is told apart", () => {
  assert.throws(() => readProjects(file({ repositories: [shop] })), says(/lists git repositories .* --source git/));
  assert.throws(() => readRepositories(file({ projects: [wheel] })), says(/lists projects .* --source pypi/));
});

/** A profile whose repositories are git histories under a mirror. */
function gitProfile(repositories: object[]): Profile {
  const smoke = profileNamed('smoke');
  return { ...smoke, name: 'git-test', corpus: { pinned: relative(data('corpora'), file({ name: 'x', repositories })) }, curation: { ...smoke.curation, minTasks: 1 } };
}

test('a profile of git repositories: both tracks from a mirror, and none of them left out in silence', async () => {
  const tests = (n: number) => Array.from({ length: n }, (_, i) => `def test_${i}():\n    assert total([${i}, ${n}]) == {"count": ${i + 1000}}\n`).join('\n');
  for (const name of ['shop', 'till']) {
    makeRepository(join(folder, 'mirror/me', `${name}.git`), [1, 2, 3, 4].map((n) => ({ time: FIRST + n * HOUR, files: { [`${name}.py`]: `n = ${n}\n`, 'test_all.py': tests(n) } })));
  }
  process.env[MIRROR] = join(folder, 'mirror');
  const pins = [shop, { ...shop, id: 'me/till', split: 'cr_test' }];
  const profile = gitProfile(pins);
  assert.ok(hasHistories(profile));
  const corpus = await openCorpus(profile, silent);
  assert.deepEqual(new Map(corpus.repositories.map(({ id, tasks }) => [id, tasks])), new Map([['me/shop', 4], ['me/till', 4]]));
  assert.equal(corpus.tasks[0]!.commit.length, 40);
  const evolution = await openEvolution(profile, silent);
  assert.deepEqual(evolution.report.repositories.map(({ id, commits }) => [id, commits]), [['me/shop', 4], ['me/till', 4]]);
  // The same pins are found again without their repositories, others have another name.
  delete process.env[MIRROR];
  assert.equal((await openCorpus(profile, silent)).tasks.length, 8);
  // What was damaged since is made anew.
  process.env[MIRROR] = join(folder, 'mirror');
  for (const stage of [`corpus-${corpusKey(profile)}`, `evolution-${evolutionKey(profile)}`]) {
    const path = join(folder, 'output/data/cache/git-test', stage, 'curation.json'), whole = readFileSync(path);
    for (const damaged of [whole.subarray(0, whole.length / 2), Buffer.alloc(0)]) {
      writeFileSync(path, damaged);
      if (stage.startsWith('corpus')) assert.deepEqual((await openCorpus(profile, silent)).tasks, corpus.tasks);
      else assert.deepEqual((await openEvolution(profile, silent)).report, evolution.report);
      assert.deepEqual(readFileSync(path), whole);
    }
  }
  delete process.env[MIRROR];
  const fewer = gitProfile(pins.slice(0, 1));
  assert.ok(corpusKey(fewer) !== corpusKey(profile) && evolutionKey(fewer) !== evolutionKey(profile));
  process.env[MIRROR] = join(folder, 'mirror');
  const more = gitProfile([...pins, { ...shop, id: 'me/gone' }]);
  await assert.rejects(openCorpus(more, silent), says(/me\/gone is not in the mirror/));
  await assert.rejects(openEvolution(more, silent), says(/me\/gone is not in the mirror/));
  assert.ok(!existsSync(join(folder, 'output/data/cache/git-test', `corpus-${corpusKey(more)}`)));
  // git is killed in the middle of a history: nothing is stored, and the next build is whole.
  const { PATH } = process.env, real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim(), bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'git'), `#!/bin/sh\ncase " $* " in *" diff-tree "*) kill -9 $$;; esac\nexec ${real} "$@"\n`, { mode: 0o755 });
  process.env['PATH'] = `${bin}:${PATH}`;
  await assert.rejects(openEvolution(fewer, silent), UserError);
  process.env['PATH'] = PATH;
  assert.deepEqual((await openEvolution(fewer, silent)).report.repositories, evolution.report.repositories.slice(0, 1));
});
