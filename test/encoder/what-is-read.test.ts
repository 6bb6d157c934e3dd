/** Reading tests: a half of the test files is for the encoder and is not asked about, and the tasks are the same whatever is read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syntheticRepositories } from '../../lib/dist/data/sources/synthetic/synthetic.js';
import { curateCorpus } from '../../lib/dist/data/static-track.js';
import type { Repository } from '../../lib/dist/data/types.js';
import { readableFiles } from '../../lib/dist/encoder/files.js';
import { inPart } from '../../lib/dist/encoder/recipe.js';
import { staticTrack } from '../../lib/dist/lab/track-data.js';
import { randomModel } from '../../lib/dist/model/weights.js';
import { profileNamed } from '../../lib/dist/profiles.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';

const profile = profileNamed('smoke'), repositories = syntheticRepositories(12, 1).map(spreadTests);
const tokenizer = loadTokenizer('data/models/nano-coder');
const base = { ...randomModel({ vocabSize: tokenizer.vocabSize, hidden: 8, layers: 1, heads: 1, kvHeads: 1, headDim: 8, mlp: 8, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 256 }, 1), name: 'tiny', tokenizer };
const READ = ['source', 'tests', 'source+tests'] as const;

/** Each repository's tests once more under ten other names, so that a half of the files is more than none. */
function spreadTests(repo: Repository): Repository {
  const tests = repo.files.filter(({ path }) => /test_\w+\.py$/.test(path));
  const more = tests.flatMap(({ path, bytes }, t) => Array.from({ length: 10 }, (_, i) => ({
    path: path.replace(/test_(\w+)\.py$/, `test_$1_${i}.py`), bytes: Buffer.from(Buffer.from(bytes).toString().replace(/def test_/g, `def test_${t}_${i}_`)),
  })));
  return { ...repo, files: [...repo.files, ...more] };
}

test('tasks come from files that no choice reads, and are the same for all three', async () => {
  const { tasks } = await curateCorpus(repositories, { ...profile.curation, order: 'random' });
  const vectors = new Map(repositories.map(({ id }) => [id, new Float32Array(4)]));
  const asked = READ.map((files) => {
    const own = { ...profile, encoder: { ...profile.encoder, files, halved: true as const } };
    const data = staticTrack(own, { tasks, source: () => Promise.resolve(repositories) }, vectors, base);
    const examples = [...data.train, ...data.validation, ...[...data.scored.values()].flat()];
    for (const repository of repositories) {
      const read = new Set(readableFiles(repository, { ...inPart, ...own.encoder }).map(({ path }) => path));
      assert.equal([...read].some((path) => /test_/.test(path)), files !== 'source', `${files}: ${repository.id}`);
      assert.equal([...read].some((path) => !/test/.test(path)), files !== 'tests');
      for (const { task } of examples) assert.ok(task.repo !== repository.id || !read.has(task.file), `${task.file} is read and asked about`);
    }
    return examples.map(({ task }) => task.id);
  });
  assert.ok(asked[0]!.length > 50 && asked[0]!.length < tasks.length);
  assert.deepEqual(asked[1], asked[0]);
  assert.deepEqual(asked[2], asked[0]);
});

test('tests that are asked about are not read', () => {
  assert.throws(() => readableFiles(repositories[0]!, { ...inPart, files: 'tests' }), /would read the tests that are asked about: set halved: true/);
});
