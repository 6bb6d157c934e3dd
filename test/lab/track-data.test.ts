/** The control of another repository: of the same split, and of those that were trained on one that was. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syntheticRepositories } from '../../lib/dist/data/sources/synthetic/synthetic.js';
import { curateCorpus } from '../../lib/dist/data/static-track.js';
import { staticTrack } from '../../lib/dist/lab/track-data.js';
import { randomModel } from '../../lib/dist/model/weights.js';
import { profileNamed } from '../../lib/dist/profiles.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';

const smoke = profileNamed('smoke'), repositories = syntheticRepositories(20, 1), tokenizer = loadTokenizer('data/models/nano-coder');
const base = { ...randomModel({ vocabSize: tokenizer.vocabSize, hidden: 8, layers: 1, heads: 1, kvHeads: 1, headDim: 8, mlp: 8, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 256 }, 1), name: 'tiny', tokenizer };
const { tasks } = await curateCorpus(repositories, smoke.curation);
const vectors = new Map(repositories.map(({ id }) => [id, new Float32Array(4)]));

for (const trainRepositories of [undefined, 3]) {
  test(`${trainRepositories ?? 'all'} training repositories`, () => {
    const profile = { ...smoke, learning: { ...smoke.learning, ...(trainRepositories && { trainRepositories }) } };
    const data = staticTrack(profile, { tasks, source: () => Promise.resolve(repositories) }, vectors, base);
    const learnt = new Set(data.trainContexts.map(({ repo }) => repo)), splits = new Map(tasks.map(({ repo, split }) => [repo, split]));
    assert.equal(learnt.size, trainRepositories ?? [...splits.values()].filter((split) => split === 'train').length);
    const others = new Set<string>();
    for (const [repo, split] of splits) {
      if (split === 'train' && !learnt.has(repo)) continue;
      const { repo: other } = data.otherThan({ repo });
      assert.ok(other !== repo && splits.get(other) === split, `${repo}: ${other}`);
      if (split !== 'train') continue;
      assert.ok(learnt.has(other), `${other} was not trained on`);
      others.add(other);
    }
    // Each is another's other.
    assert.deepEqual(others, learnt);
  });
}
