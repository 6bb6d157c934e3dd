/** An adapter for a repository that no profile knows: that of the method itself for the same files, and PyTorch's for a released checkpoint. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { tf } from '../../lib/dist/engine/tensorflow.js';
import { writeHistory } from '../../lib/dist/data/git/write-history.js';
import { syntheticHistories, syntheticRepositories } from '../../lib/dist/data/sources/synthetic/synthetic.js';
import type { Repository, SourceFile, Task } from '../../lib/dist/data/types.js';
import { type Adapter, adapterNames, adapterTensors, inOne, mapLayer, projections, single } from '../../lib/dist/lora/adapter.js';
import { savePeft } from '../../lib/dist/lora/peft.js';
import { loadPeft } from '../lora/load-peft.js';
import { diff, released } from '../../lib/dist/encoder/recipe.js';
import { methods } from '../../lib/dist/methods/index.js';
import type { Answers } from '../../lib/dist/methods/method.js';
import { loadModel, saveModel } from '../../lib/dist/model/checkpoint.js';
import { randomModel } from '../../lib/dist/model/weights.js';
import { type LearningConfig, profileNamed, type Profile } from '../../lib/dist/profiles.js';
import { UserError } from '../../lib/dist/store/errors.js';
import { silent } from '../../lib/dist/store/progress.js';
import { readSafetensors, writeSafetensors } from '../../lib/dist/store/safetensors.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import type { Context } from '../../lib/dist/train/draws.js';

const output = mkdtempSync(join(tmpdir(), 'adapt-'));
after(() => rmSync(output, { recursive: true }));
// Read when the modules load.
process.env['CODE2LORA_OUTPUT'] = output;
const { adapt } = await import('../../lib/dist/lab/adapt/adapt.js');
const { openCheckpoint } = await import('../../lib/dist/lab/adapt/checkpoint.js');
const { recordText } = await import('../../lib/dist/lab/adapt/record.js');
const { modelKey } = await import('../../lib/dist/lab/keys.js');
const { openRepository } = await import('../../lib/dist/lab/adapt/repository.js');
const { assertionsOf, completions, targetNats } = await import('../../lib/dist/lab/adapt/completions.js');
const { openCommitVectors } = await import('../../lib/dist/lab/commit-vectors.js');
const { openCorpus } = await import('../../lib/dist/lab/corpus.js');
const { openEvolution } = await import('../../lib/dist/lab/evolution.js');
const { methodInputs } = await import('../../lib/dist/lab/method-inputs.js');
const { evolutionTrack, staticTrack } = await import('../../lib/dist/lab/track-data.js');
const { trained, trainedPath } = await import('../../lib/dist/lab/training.js');
const { openVectors } = await import('../../lib/dist/lab/vectors.js');

const SEED = 1, COUNT = 8;
const smoke = profileNamed('smoke');
const profile: Profile = {
  ...smoke, corpus: { synthetic: { repositories: COUNT, seed: SEED } },
  learning: { ...smoke.learning, steps: 3, validateEvery: 3, repositories: 2, tasks: 2 },
};

/** A folder that a model is read from, with nano-coder's tokenizer. */
function modelFolder(name: string, config: Partial<Parameters<typeof randomModel>[0]>, seed: number): string {
  const folder = join(output, 'models', name), tokenizer = loadTokenizer('data/models/nano-coder');
  const shape = { hidden: 16, layers: 2, heads: 2, kvHeads: 1, headDim: 8, mlp: 24, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 256 };
  mkdirSync(folder, { recursive: true });
  saveModel(folder, randomModel({ vocabSize: tokenizer.vocabSize, ...shape, ...config }, seed));
  cpSync('data/models/nano-coder/tokenizer.json', join(folder, 'tokenizer.json'));
  return folder;
}

function write(folder: string, { files }: { files: readonly SourceFile[] }): string {
  for (const { path, bytes } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return folder;
}

/** Factor by factor, by name. */
const values = (adapter: Adapter) => new Map(adapterNames({ layers: adapter.layers.length }).map((name, i) => {
  const tensor = adapterTensors(adapter)[i]!;
  return [name, { shape: tensor.shape, data: [...tensor.dataSync()] }];
}));

/** Equal but for rounding: diffs are encoded in other batches here than for the benchmark. */
function assertClose(actual: Adapter, expected: Adapter): void {
  const wanted = values(expected);
  for (const [name, { shape, data }] of values(actual)) {
    assert.deepEqual(shape, wanted.get(name)!.shape, name);
    data.forEach((x, i) => assert.ok(Math.abs(x - wanted.get(name)!.data[i]!) < 1e-6, `${name} at ${i}: ${x}, expected ${wanted.get(name)!.data[i]}`));
  }
}

let baseFolder: string, base: ReturnType<typeof loadModel> & { name: string; tokenizer: ReturnType<typeof loadTokenizer> };
before(() => {
  baseFolder = modelFolder('base', {}, 1);
  base = { ...loadModel(baseFolder), name: 'tiny', tokenizer: loadTokenizer(baseFolder) };
});

/** A method trained a little, and its own answers. */
async function train(name: string, track: 'static' | 'evolution', learning: Partial<LearningConfig> = {}): Promise<{ path: string; own(context: Context): Adapter }> {
  const method = methods.find((m) => m.name === name)!, corpus = await openCorpus(profile, silent), asked = { ...profile, learning: { ...profile.learning, ...learning } };
  const data = track === 'static' ? staticTrack(profile, corpus, await openVectors(profile, corpus, base, silent), base) : await evolutionData();
  const inputs = methodInputs(data, base, asked, SEED), made = await trained(method, asked, inputs, silent);
  const answers: Answers = await method.answers(inputs, made);
  return { path: trainedPath(method, inputs, asked)!, own: (context) => single(() => inOne(answers.adapter!(context))) };
}

async function evolutionData() {
  const evolution = await openEvolution(profile, silent), tasks: Task[] = [];
  for await (const task of evolution.tasks()) tasks.push(task);
  return evolutionTrack(profile, tasks, await openCommitVectors(profile, evolution, base, silent), base);
}

for (const [name, learning] of [['code2lora-static', {}], ['code2lora-static-paper', {}], ['code2lora-static-paper', { layers: 1 }]] as const) {
  test(`${name} ${JSON.stringify(learning)}: the PEFT folder holds the method's own adapter`, async () => {
    const { path, own } = await train(name, 'static', learning);
    const [repository, other] = syntheticRepositories(COUNT, SEED).filter(({ split }) => split === 'cr_test') as [Repository, Repository];
    const opened = await openRepository(write(join(output, name, repository.id), repository));
    assert.equal(opened.history, undefined);
    rmSync(join(output, 'data', 'cache', 'adapt'), { recursive: true, force: true });
    const checkpoint = await openCheckpoint(path, { base: baseFolder }, silent);
    const { adapter, files, encoded, history, ...times } = await adapt(opened, checkpoint, silent);
    const folder = join(output, name, 'peft');
    savePeft(folder, adapter, checkpoint.base.config, checkpoint.base.name);
    const loaded = values(loadPeft(folder, base.config)), wanted = own({ repo: repository.id });
    const { depth } = wanted, below = base.config.layers - depth;
    const nothing = mapLayer((p, k) => tf.zerosLike(wanted.layers[0]![p][k]));
    const layers = Array.from({ length: base.config.layers }, (_, i) => (i < below ? nothing : wanted.layers[i - below] ?? wanted.layers[0]!));
    assert.deepEqual(loaded, values({ ...wanted, depth: base.config.layers, layers }));
    assert.equal(depth, 'layers' in learning ? learning.layers : base.config.layers);
    assert.notDeepEqual(values(adapter), values(own({ repo: other.id })));
    assert.ok(files > 0 && encoded > 0 && history === undefined);
    assert.ok(times.readSeconds > 0 && times.coldMs > 0 && times.warmMs > 0);
    // The second time nothing is encoded.
    assert.equal((await adapt(opened, checkpoint, silent)).encoded, 0);
    checkpoint.dispose();
  });
}

test('code2lora-evo walks a history to any commit, and without one stays at the initial state', async () => {
  const { path, own } = await train('code2lora-evo', 'evolution');
  const { id, revisions } = syntheticHistories(COUNT, SEED).find(({ split }) => split === 'cr_test')!;
  const gitDir = join(output, 'evo', `${id}.git`);
  await writeHistory(gitDir, revisions);
  const clone = join(output, 'evo', 'clone');
  execFileSync('git', ['clone', '--quiet', gitDir, clone], { stdio: 'ignore' });
  const checkpoint = await openCheckpoint(path, { base: baseFolder }, silent);
  assert.equal(checkpoint.stepInput, 'diff');
  for (const folder of [gitDir, clone]) {
    const { adapter, history } = await adapt(await openRepository(folder), checkpoint, silent);
    // Each synthetic commit changes assertions and source, so each is a step here and in the benchmark.
    assert.deepEqual(history, { commits: revisions.length, steps: revisions.length });
    assertClose(adapter, own({ repo: id, commit: revisions.length - 1 }));
  }
  const early = await adapt(await openRepository(gitDir, `HEAD~${revisions.length - 3}`), checkpoint, silent);
  assert.deepEqual(early.history, { commits: 3, steps: 3 });
  assertClose(early.adapter, own({ repo: id, commit: 2 }));

  const bare = await adapt(await openRepository(write(join(output, 'evo', 'folder'), revisions.at(-1)!)), checkpoint, silent);
  assert.equal(bare.history, undefined);
  assert.notDeepEqual(values(bare.adapter), values(early.adapter));
});

test('code2lora-evo without commits in training reads none', async () => {
  const { path, own } = await train('code2lora-evo', 'static');
  const { id, revisions } = syntheticHistories(COUNT, SEED).find(({ split }) => split === 'cr_test')!;
  const gitDir = join(output, 'evo-static', `${id}.git`);
  await writeHistory(gitDir, revisions);
  const checkpoint = await openCheckpoint(path, { base: baseFolder }, silent);
  assert.match(checkpoint.description, /without commits/);
  const { adapter, history } = await adapt(await openRepository(gitDir), checkpoint, silent);
  assert.equal(history, undefined);
  assert.deepEqual(values(adapter), values(own({ repo: id })));
});

test('only commits that change Python outside tests are steps', async () => {
  const { path } = await train('code2lora-evo', 'evolution');
  const file = (name: string, text: string) => ({ path: name, bytes: Buffer.from(text) });
  const source = file('pkg/a.py', 'A = 1\n'), doc = file('README.md', 'Hello.\n'), check = file('checks.py', 'import unittest\n\nclass Case(unittest.TestCase):\n    pass\n');
  const trees = [
    [doc], [doc, source], [doc, source, check], [file('README.md', 'More.\n'), source, check], [doc, file('pkg/b.py', 'A = 1\n'), check],
    [doc, file('pkg/b.py', 'A = 1\n')], [doc, file('pkg/b.py', 'A = 2\n')],
  ];
  const gitDir = join(output, 'steps.git');
  await writeHistory(gitDir, trees.map((files, i) => ({ time: 1_700_000_000 + i, message: `${i}`, files })));
  const { history } = await adapt(await openRepository(gitDir), await openCheckpoint(path, { base: baseFolder }, silent), silent);
  // The source comes, moves and changes; the README and the test, found by its content, do not count.
  assert.deepEqual(history, { commits: 7, steps: 3 });
});

test('released checkpoints, as published and converted, write what PyTorch writes', async () => {
  const encoder = modelFolder('encoder', { family: 'qwen3' }, 2);
  const fixtures = 'test/fixtures/adapt', expected = readSafetensors(join(fixtures, 'expected.safetensors')).tensors;
  const vector = expected.get('vector')!.data as Float32Array, diffs = expected.get('diffs')!;
  const commits = Array.from({ length: diffs.shape[0]! }, (_, i) => ({ diff: diffs.data.subarray(i * 32, (i + 1) * 32) as Float32Array, state: vector }));
  const check = (adapter: Adapter, wanted: string) => {
    assert.deepEqual([adapter.rank, adapter.alpha, adapter.layers.length], [2, 6, 1]);
    for (const p of projections) {
      for (const k of ['a', 'b'] as const) {
        const got = adapter.layers[0]![p][k], want = expected.get(`${wanted}/${p}.${k}`)!;
        assert.deepEqual(got.shape, want.shape);
        got.dataSync().forEach((x, i) => { assert.ok(Math.abs(x - want.data[i]!) < 1e-6, `${wanted} ${p}.${k}`); });
      }
    }
  };
  const repository = await openRepository(write(join(output, 'released'), syntheticRepositories(COUNT, SEED)[0]!));
  for (const kind of ['pt', 'safetensors']) {
    const direct = await openCheckpoint(join(fixtures, `direct.${kind}`), { base: baseFolder, encoder }, silent);
    check(direct.write(vector, []), 'direct');
    assert.match(direct.description, /code2lora-direct/);
    assert.equal(direct.recipes.state.files, 'all-python');
    const gru = await openCheckpoint(join(fixtures, `gru.${kind}`), { base: baseFolder, encoder }, silent);
    check(gru.write(vector, commits), 'gru');
    check(gru.write(vector, []), 'initial');
    assert.equal((await adapt(repository, direct, silent)).adapter.rank, 2);
    for (const checkpoint of [direct, gru]) checkpoint.dispose();
  }
});

test('a checkpoint of ours that was trained on published vectors has them made by their encoder', async () => {
  const { path } = await train('code2lora-static-paper', 'static'), encoder = modelFolder('published-encoder', { family: 'qwen3' }, 3);
  const published = { ...profile, encoder: released, corpus: profileNamed('paper').corpus };
  const record = recordText('code2lora-static-paper', published, { model: base, track: 'static', seed: SEED });
  const copy = join(output, 'published.safetensors');
  writeSafetensors(copy, readSafetensors(path).tensors, 'F32', { info: '{}', checkpoint: record });
  const checkpoint = await openCheckpoint(copy, { base: baseFolder, encoder }, silent);
  assert.deepEqual(checkpoint.recipes, { state: released, diff });
  assert.equal(checkpoint.embedder.key, modelKey(encoder));
  assert.notEqual(checkpoint.embedder.key, modelKey(baseFolder));
});

test('completions: the frozen model and each adapter answer the same assertions', async () => {
  const { own } = await train('code2lora-static', 'static');
  const repository = syntheticRepositories(COUNT, SEED)[0]!;
  const tasks = await assertionsOf(repository, profile.curation, 3);
  assert.equal(tasks.length, 3);
  const rows = await completions(tasks, { none: undefined, own: own({ repo: repository.id }) }, base, profile);
  assert.deepEqual(rows.map(({ task }) => task), tasks);
  for (const { answers } of rows) assert.deepEqual(Object.keys(answers), ['none', 'own']);

  // What was trained on such assertions finds their targets more probable than the frozen model does.
  const nats = await targetNats(tasks, { none: undefined, own: own({ repo: repository.id }) }, base, profile);
  assert.deepEqual(nats.map(({ task }) => task), tasks);
  const sum = (adapter: string) => nats.reduce((n, { answers }) => n + answers[adapter]!.targetNats, 0);
  assert.ok(sum('own') < sum('none'), `${sum('own')} ${sum('none')}`);
});

test('what cannot be used is said in one line', async () => {
  const fails = (work: Promise<unknown>, message: RegExp) =>
    assert.rejects(work, (e) => e instanceof UserError && message.test(e.message) && !e.message.includes('\n'));
  const folder = write(join(output, 'empty'), { files: [{ path: 'README.md', bytes: Buffer.from('No code.') }] });
  await fails(openRepository(join(output, 'nowhere')), /no repository at .*nowhere/);
  await fails(openRepository(join(folder, 'README.md')), /is a file/);
  await fails(openRepository(folder), /holds no Python files/);
  await fails(openRepository(folder, 'HEAD'), /no git history/);
  // What this user may not read is left out and counted. Root may read everything.
  const parts = write(join(output, 'parts'), { files: ['app/a.py', 'app/b.py', 'data/c.py'].map((name) => ({ path: name, bytes: Buffer.from('x = 1\n') })) });
  chmodSync(join(parts, 'app/b.py'), 0);
  chmodSync(join(parts, 'data'), 0);
  const { files, refused } = (await openRepository(parts)).repository;
  if (process.getuid?.() === 0) assert.equal(files.length, 3);
  else assert.deepEqual([files.map((file) => file.path), refused], [['app/a.py'], { 'file without permission': 1, 'folder without permission': 1 }]);
  chmodSync(join(parts, 'data'), 0o700);
  const { path } = await train('code2lora-static', 'static');
  const checkpoint = await openCheckpoint(path, { base: baseFolder }, silent);
  const tests = write(join(output, 'only-tests'), { files: [{ path: 'test_a.py', bytes: Buffer.from('def test_a():\n    assert 1 == 1\n') }] });
  await fails(openRepository(tests).then((opened) => adapt(opened, checkpoint, silent)), /only-tests has no Python but tests/);
  // What links lead to is not read.
  const links = join(output, 'links');
  mkdirSync(links);
  symlinkSync('../only-tests/test_a.py', join(links, 'a.py'));
  symlinkSync('../only-tests', join(links, 'pkg'));
  await fails(openRepository(links), /holds no Python files/);

  const git = join(output, 'git.git');
  await writeHistory(git, [{ time: 1_700_000_000, message: 'one', files: [{ path: 'a.py', bytes: Buffer.from('A = 1\n') }] }]);
  await fails(openRepository(git, 'feature'), /has no commit feature/);
  execFileSync('git', ['init', '--quiet', join(output, 'unborn')]);
  await fails(openRepository(join(output, 'unborn')), /has no commit HEAD/);

  const open = (file: string, options: { base?: string; encoder?: string } = { base: baseFolder }) => openCheckpoint(file, options, silent);
  await fails(open(join(output, 'none.pt')), /no checkpoint/);
  await fails(open(path, { base: modelFolder('other', {}, 5) }), /trained for the frozen model of the profile smoke/);
  await fails(open(path, { base: baseFolder, encoder: baseFolder }), /leave --encoder away/);
  await fails(open((await train('single-lora', 'static')).path), /is of single-lora, which writes no adapters/);
  await fails(open('test/fixtures/adapt/expected.safetensors'), /neither state_dict/);
  await fails(open('test/fixtures/torch-file/kinds.pt'), /neither state_dict/);
  await fails(open('test/fixtures/adapt/direct.pt', { base: modelFolder('wide', { mlp: 32 }, 5) }), /does not fit this model: .*down_proj/);
  const narrow = modelFolder('narrow', { family: 'qwen3', hidden: 8, headDim: 4 }, 5);
  await fails(open('test/fixtures/adapt/direct.pt', { base: baseFolder, encoder: narrow }), /vectors of 32 values and this encoder makes 16/);
  const old = join(output, 'old.safetensors');
  writeSafetensors(old, new Map([['x', { shape: [1], data: new Float32Array(1) }]]), 'F32', { info: '{}' });
  await fails(open(old), /does not say what it was trained for/);
});

test('an adapter of more layers than the model has is refused', async () => {
  await assert.rejects(() => train('single-lora', 'static', { layers: 9 }), (e: Error) => e instanceof UserError && /learning\.layers is 9.*has 2 layers: choose a number from 1 to 2/.test(e.message));
});
