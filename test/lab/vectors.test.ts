/** Stored vectors of snapshots and of commits: the same by both ways, once encoded never again, and whole after a loss. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { syntheticRepositories } from '../../lib/dist/data/sources/synthetic/synthetic.js';
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { randomModel } from '../../lib/dist/model/weights.js';
import { profileNamed } from '../../lib/dist/profiles.js';
import type { ProgressUpdate } from '../../lib/dist/store/progress.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';

const output = mkdtempSync(join(tmpdir(), 'lab-'));
after(() => rmSync(output, { recursive: true }));
// Read when the modules load.
process.env['CODE2LORA_OUTPUT'] = output;
const { openVectors } = await import('../../lib/dist/lab/vectors.js');
const { openCommitVectors } = await import('../../lib/dist/lab/commit-vectors.js');
const { openEvolution } = await import('../../lib/dist/lab/evolution.js');

const profile = { ...profileNamed('smoke'), corpus: { synthetic: { repositories: 8, seed: 1 } } };
const tokenizer = loadTokenizer('data/models/nano-coder');
const config = { vocabSize: tokenizer.vocabSize, hidden: 16, layers: 1, heads: 1, kvHeads: 1, headDim: 16, mlp: 16, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 256 };
const base = { ...randomModel(config, 1), name: 'tiny', tokenizer };
const repositories = syntheticRepositories(8, 1);
const corpus = {
  tasks: [], source: () => Promise.resolve(repositories),
  repositories: repositories.map(({ id, split }) => ({ id, split, tasks: 1, candidates: 1, drops: {} })),
} as unknown as Parameters<typeof openVectors>[1];

const namedAs = (called: string) => { const { name, base: frozen } = profileNamed(called); return { name, base: frozen }; };

/** Whether the model was asked: a speed of 0 tokens a second is reported where it was not. */
function watch() {
  const speeds: number[] = [];
  return { progress: ({ note = '' }: ProgressUpdate) => { if (note.endsWith('tokens/s')) speeds.push(Number.parseInt(note, 10)); }, encoded: () => speeds.some((s) => s > 0) };
}

test('another pooling needs no forward pass, and a stored vector not even the repositories', async () => {
  const first = watch();
  const vectors = await openVectors(profile, corpus, base, first.progress);
  assert.ok(first.encoded());
  assert.equal(vectors.size, 8);
  const ablation = watch();
  const flat = await openVectors(profile, corpus, base, ablation.progress, { ...profile.encoder, overFiles: [{ pool: 'mean' }], final: 'none' });
  assert.ok(!ablation.encoded());
  // The first half of the profile's vector, before its length was made 1.
  for (const [id, vector] of vectors) {
    const mean = flat.get(id)!, factor = vector[0]! / mean[0]!;
    assert.equal(mean.length, 16);
    mean.forEach((x, j) => { assert.ok(Math.abs(vector[j]! - factor * x) < 1e-5); });
  }
  const absent = { ...corpus, source: () => Promise.reject(new Error('read again')) };
  assert.deepEqual(await openVectors(profile, absent, base, first.progress), vectors);
});

test('commits: a state is that of the snapshot, and what is lost comes back the same', async () => {
  const evolution = await openEvolution(profile, () => {});
  const first = watch();
  const commits = await openCommitVectors(profile, evolution, base, first.progress);
  assert.ok(first.encoded());
  const kept = new Map<string, { id: string; index: number; diff: string }[]>();
  for await (const { repo, id, index, diff } of evolution.commits()) kept.set(repo, [...(kept.get(repo) ?? []), { id, index, diff }]);
  const snapshots = await openVectors(profile, corpus, base, first.progress);
  for (const [repo, list] of commits) {
    assert.deepEqual(list.map(({ id, index }) => ({ id, index })), kept.get(repo)!.map(({ id, index }) => ({ id, index })));
    assert.deepEqual(list.map(({ index }) => index), list.map((_, i) => i));
    // Every synthetic commit is kept, so the last one is the snapshot.
    assert.deepEqual(list.at(-1)!.state, snapshots.get(repo));
    assert.notDeepEqual(list[0]!.state, list.at(-1)!.state);
    list.forEach(({ diff }, i) => { assert.equal(diff.some((x) => x !== 0), kept.get(repo)![i]!.diff !== ''); });
    assert.equal(new Set(list.map(({ diff }) => diff.join())).size, list.length);
  }
  assert.equal(commits.size, 8);

  const folder = join(output, 'data', 'cache', 'smoke');
  const name = readdirSync(folder).find((f) => f.startsWith('commit-vectors'))!;
  rmSync(join(folder, name, `${repositories[3]!.id}.safetensors`));
  const again = watch();
  assert.deepEqual(await openCommitVectors(profile, evolution, base, again.progress), commits);
  assert.ok(!again.encoded());
});

test('another model than the one that answers can read: its vectors are its own', async () => {
  const own = { ...profile, encoder: { ...profile.encoder, model: 'data/models/nano-coder' } };
  const vectors = await openVectors(own, corpus, base, () => {}, own.encoder);
  const { config } = loadModel('data/models/nano-coder');
  for (const vector of vectors.values()) assert.equal(vector.length, 2 * config.hidden);
  // The same as if it were the frozen model.
  const nano = { ...loadModel('data/models/nano-coder'), name: 'nano-coder', tokenizer };
  const frozen = await openVectors({ ...profile, base: { model: 'nano-coder' } }, corpus, nano, () => {});
  for (const [id, vector] of vectors) assert.deepEqual(vector, frozen.get(id));
  const commits = await openCommitVectors(own, await openEvolution(own, () => {}), base, () => {});
  for (const [first] of commits.values()) assert.deepEqual([first!.state.length, first!.diff.length], [2 * config.hidden, 2 * config.hidden]);
});

test('a profile with another frozen model curates and reads nothing again', async () => {
  const own = { ...profile, encoder: { ...profile.encoder, model: 'data/models/nano-coder' } };
  const vectors = await openVectors(own, corpus, base, () => {});
  const other = { ...own, ...namedAs('smoke@test/fixtures/gguf/llama.gguf') };
  const absent = { ...corpus, source: () => Promise.reject(new Error('read again')) };
  assert.deepEqual(await openVectors(other, absent, base, () => {}), vectors);
  const first = watch(), evolution = await openEvolution(other, () => assert.fail('curated again'));
  await openCommitVectors(other, evolution, base, first.progress);
  assert.ok(!first.encoded());
});
