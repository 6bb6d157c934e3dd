/** The published benchmark: from the tables of a stand-in hub to what methods are trained and judged on. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { DatasetWriter } from '../../lib/dist/data/dataset/dataset.js';
import type { Commit, CrossRepoSplit, InRepoSplit, Task } from '../../lib/dist/data/types.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import { StandInHub } from '../stand-in-hub.js';

const folder = mkdtempSync(join(tmpdir(), 'published-'));
process.env['CODE2LORA_OUTPUT'] = folder;
const { publishedTrack } = await import('../../lib/dist/lab/published.js');
const { profileNamed } = await import('../../lib/dist/profiles.js');
const { matched } = await import('../../lib/dist/train/examples.js');

const commit = '0123456789abcdef0123456789abcdef01234567';
const hub = new StandInHub('dataset', 'code2lora/tables', commit);
const tables = { name: hub.name, revision: 'main' };
const corpus = { snapshots: tables, commits: tables };
const base = { name: 'stand-in', tokenizer: loadTokenizer('data/models/nano-coder') } as Parameters<typeof publishedTrack>[3];
const profile = profileNamed('paper');
const make = (track: 'static' | 'evolution') => publishedTrack(track, corpus, profile, base, matched(profile.maxTokens), () => {});

/** Exact as half floats, and telling where they are from. */
const vector = (repo: number, index: number, kind: number) => Float32Array.of(repo, index, kind, 0.5);
const repos: [string, CrossRepoSplit][] = [['a/train', 'train'], ['b/val', 'cr_val'], ['c/test', 'cr_test'], ['d/new', 'ood_test'], ['e/test', 'cr_test']];
const commitsOf = (repo: string): number => (repo === 'e/test' ? 7 : 4);

before(async () => {
  await hub.start();
  const path = join(folder, 'made'), writer = new DatasetWriter(path);
  for (const [r, [repo, split]] of repos.entries()) {
    for (let index = 0; index < commitsOf(repo); index++) {
      const inRepoSplit: InRepoSplit = split !== 'train' ? 'test' : index < 2 ? 'train' : index === 2 ? 'val' : 'test';
      // The repository's second commit was dropped: positions have a gap.
      const at = { repo, split, inRepoSplit, id: `${repo}-${index}`, index: index > 0 ? index + 1 : 0 };
      await writer.commit({
        ...at, time: '2024-01-01T00:00:00Z', diff: '+x', added: 1, modified: 0, diffEmbedding: vector(r, index, 1), repoStateEmbedding: vector(r, index, 2),
      } satisfies Commit);
      for (let i = 0; i < 12; i++) {
        await writer.task({
          id: `${at.id}:${i}`, repo, commit: at.id, commitIndex: at.index, event: 'added', split, inRepoSplit, file: 'tests/test_x.py', testFunction: `test_${i}`,
          family: 'assert', targetKind: 'numeric', byteStart: 0, byteEnd: 1, line: 3 + i, prefix: `def test_${i}():\n    assert f(${i}) == `, target: String(i),
        } satisfies Task);
      }
    }
  }
  await writer.close();
  for (const name of readdirSync(path, { recursive: true }).map(String)) if (name.endsWith('.parquet')) hub.files.set(name, readFileSync(join(path, name)));
});
beforeEach(() => hub.reset());
after(() => {
  hub.stop();
  rmSync(folder, { recursive: true });
});

test('the first tasks of every commit are judged, all of the training part are trained on', async () => {
  const data = await make('evolution');
  assert.equal(data.train.length, 24);
  assert.deepEqual(new Set(data.train.map((e) => e.task.commit)), new Set(['a/train-0', 'a/train-1']));
  assert.deepEqual([...data.suites].map(([suite, list]) => [suite, list.length]), [['CR', 88], ['IR', 8], ['OOD', 32]]);
  assert.equal(data.validation.length, 4);
  for (const [, list] of data.suites) assert.ok(list.every((e) => Number(e.task.target) < 8), 'by the order of the table');
});

test('a task stands at its own commit, whose vectors are those of the tables', async () => {
  const data = await make('evolution');
  const [task] = data.suites.get('CR')!.filter((e) => e.task.commit === 'c/test-3');
  const context = data.contextOf(task!);
  assert.deepEqual([...data.vector(context)], [...vector(2, 3, 2)]);
  assert.deepEqual(data.commits(context).map((c) => [...c.diff]), [0, 1, 2, 3].map((i) => [...vector(2, i, 1)]));
  assert.deepEqual(data.trainContexts, [{ repo: 'a/train', commit: 1 }]);
});

test('another repository stands as far along its history as the task along its own', async () => {
  for (const track of ['static', 'evolution'] as const) {
    const data = await make(track);
    assert.deepEqual([0, 1, 2, 3].map((commit) => data.otherThan({ repo: 'c/test', commit })), [0, 2, 4, 6].map((commit) => ({ repo: 'e/test', commit })), track);
  }
  // Of a training repository too, whose tasks come after what is trained on.
  const data = await make('evolution');
  assert.deepEqual(data.otherThan({ repo: 'a/train', commit: 3 }), { repo: 'a/train', commit: 3 });
});

test('static track: a training repository at its last training commit, a task that is judged at its own', async () => {
  const data = await make('static');
  // The tasks of this stand-in are of two commits; the last is the anchor.
  assert.deepEqual([...data.vector({ repo: 'a/train' })], [...vector(0, 1, 2)]);
  assert.deepEqual(data.train.map(data.contextOf)[0], { repo: 'a/train' });
  const [first] = data.suites.get('CR')!.filter((e) => e.task.commit === 'c/test-0');
  assert.deepEqual([...data.vector(data.contextOf(first!))], [...vector(2, 0, 2)]);
  assert.deepEqual([...data.suites].map(([suite, list]) => [suite, list.length]), [['CR', 88], ['IR', 8], ['OOD', 32]], 'eight of each commit');
  for (const [, list] of data.suites) assert.ok(list.every((e) => Number(e.task.target) < 8), 'and the first, though more are scored');
  assert.ok([...data.scored.values()].flat().some((e) => Number(e.task.target) === 11));
  assert.throws(() => data.repository('c/test'), /no source text/);
});
