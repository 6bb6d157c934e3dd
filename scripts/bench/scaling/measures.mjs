/**
 * What is timed as it grows, a size at a time: each measure has its sizes and a `prepare(size)` that gives the work. Models
 * have real shapes and random weights, for time and memory do not depend on the values.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdamW } from '../../../lib/dist/engine/adamw.js';
import { tf } from '../../../lib/dist/engine/tensorflow.js';
import { evo } from '../../../lib/dist/hypernet/evo.js';
import { adaptersAlong } from '../../../lib/dist/hypernet/unroll.js';
import { adapterFromTensors, adapterNames, adapterTensors, initialAdapter } from '../../../lib/dist/lora/adapter.js';
import { generate } from '../../../lib/dist/model/generate.js';
import { likelihoods } from '../../../lib/dist/eval/likelihood.js';
import { promptTokensAtOnce } from '../../../lib/dist/model/memory.js';
import { curateHistory, newEvolutionCounts } from '../../../lib/dist/data/evolution/evolution-track.js';
import { writeHistory } from '../../../lib/dist/data/git/write-history.js';
import { openBaseModel } from '../../../lib/dist/lab/base-model.js';
import { openCorpus } from '../../../lib/dist/lab/corpus.js';
import { openVectors } from '../../../lib/dist/lab/vectors.js';
import { silent } from '../../../lib/dist/store/progress.js';
import { profileNamed, QWEN_CODER_1_5B } from '../../../lib/dist/profiles.js';
import { adapterLearner } from '../../../lib/dist/train/adapter-learner.js';
import { largeModel, QWEN_CODER_0_5B } from '../large-model.mjs';
import { NANO, randomIds } from '../shapes.mjs';

export const SMOLLM2 = {
  vocabSize: 49_152, hidden: 576, layers: 30, heads: 9, kvHeads: 3, headDim: 64, mlp: 1536, ropeTheta: 100_000, rmsEps: 1e-5, maxTokens: 8192,
};
const RANK = 16, TARGET = 8, TOKENS = 512, NEW_TOKENS = 8;

const examples = (config, count, tokens) => randomIds(count, tokens, config.vocabSize).map((ids) =>
  ({ task: { repo: 'r' }, prefix: ids.slice(TARGET), target: ids.slice(0, TARGET) }));
const step = (writer, learner, items, contexts) => {
  const optimiser = new AdamW(writer.parameters, { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 });
  return () => {
    const { gradients } = learner.gradients(optimiser.parameters, { contexts, items });
    optimiser.update(gradients, 1e-4);
    tf.dispose(gradients);
  };
};
const learning = { microBatch: 8, detachInput: false, checkpoint: false };

/** A step of single LoRA: its cost is the frozen model's. */
function trainingStep(config, { tasks = 2, tokens = TOKENS, layers = config.layers }) {
  const model = largeModel(config), adapted = { ...config, layers };
  const writer = {
    parameters: adapterTensors(initialAdapter(adapted, RANK, 2 * RANK, 1)), names: adapterNames(adapted), write: (p) => adapterFromTensors(p, RANK, 2 * RANK),
  };
  return step(writer, adapterLearner(model, writer, [], () => ({ repo: 'r' }), learning, 0), [examples(config, tasks, tokens)], [{ repo: 'r' }]);
}

/** A step of Evo along so many commits of one repository, with one task of each. */
function evoStep(commits) {
  const width = 512, random = () => Float32Array.from({ length: width }, Math.random);
  const network = evo({ input: width, stepInput: 'diff', width, head: { hidden: 256, rank: RANK, alpha: 2 * RANK, form: 'residual' } }, NANO);
  const walk = {
    initial: random(), commits: Array.from({ length: commits }, () => ({ diff: random(), state: random() })), wanted: [...Array(commits).keys()],
  };
  const writer = { parameters: network.initial(1), names: network.names, write: (p) => adaptersAlong(network, p, [walk], 'diff', false) };
  const learner = adapterLearner(largeModel(NANO), writer, [], () => ({ repo: 'r' }), learning, 0);
  return step(writer, learner, examples(NANO, commits, 256).map((e) => [e]), walk.wanted.map((commit) => ({ repo: 'r', commit })));
}

/** Prompts in batches of as many tokens as the lab takes at once. */
function decoding(tasks) {
  const model = largeModel(SMOLLM2), prompts = randomIds(tasks, TOKENS - NEW_TOKENS, SMOLLM2.vocabSize);
  const atOnce = Math.floor(promptTokensAtOnce(SMOLLM2) / TOKENS);
  return () => {
    for (let at = 0; at < tasks; at += atOnce) generate(model, prompts.slice(at, at + atOnce), { maxNewTokens: NEW_TOKENS, eos: -1, lastTokens: new Set() });
  };
}

/** Repositories from the generator: their tasks and their vectors. */
function repositories(count) {
  const plain = profileNamed('synthetic');
  let round = 0;
  return async () => {
    const profile = { ...plain, name: `scaling-${round++}`, corpus: { synthetic: { repositories: count, seed: 1 } } };
    const corpus = await openCorpus(profile, silent);
    await openVectors(profile, corpus, await openBaseModel(profile, async () => corpus, silent), silent);
  };
}

/** One history in which every commit adds a test to one of ten files, each of which keeps its last twenty: replayed into tasks. */
async function history(commits) {
  // Removed with what else was measured with.
  const folder = mkdtempSync(join(process.env.CODE2LORA_OUTPUT ?? tmpdir(), 'code2lora-scaling-')), gitDir = join(folder, 'history.git');
  function* revisions() {
    const tests = Array.from({ length: 10 }, () => []);
    const text = (s) => new TextEncoder().encode(s);
    for (let i = 0; i < commits; i++) {
      tests[i % 10] = [...tests[i % 10].slice(-19), `def test_${i}():\n    cart = ["item ${i}", ${i}]\n    assert total(cart) == ${i * 17 + 3}\n`];
      yield {
        time: 1.6e9 + 3600 * i, message: `Test ${i}`, files: [{ path: 'shop.py', bytes: text(`RATE = ${i}\n\n\ndef total(cart):\n    return RATE * len(cart)\n`) },
          ...tests.map((test, at) => ({ path: `tests/test_${at}.py`, bytes: text(['from shop import total\n', ...test].join('\n\n')) }))],
      };
    }
  }
  const head = await writeHistory(gitDir, revisions());
  const options = { ...profileNamed('mini').evolution, cutoff: Infinity };
  return async () => {
    let tasks = 0;
    for await (const kept of curateHistory({ id: 'r', split: 'train', gitDir, head }, options, join(folder, 'spool'), newEvolutionCounts())) tasks += kept.tasks.length;
    if (tasks < commits / 2) throw new Error(`Only ${tasks} tasks of ${commits} commits.`);
  };
}

const millions = { 5: NANO, 135: SMOLLM2, 494: QWEN_CODER_0_5B, 1544: QWEN_CODER_1_5B };

export const measures = [
  { name: 'training step', of: 'tokens of a task', sizes: [128, 256, 512, 1024, 2048], prepare: (tokens) => trainingStep(SMOLLM2, { tokens }) },
  { name: 'training step', of: 'tasks', sizes: [1, 2, 4, 8, 16, 32], prepare: (tasks) => trainingStep(SMOLLM2, { tasks }) },
  { name: 'training step', of: 'layers adapted', sizes: [5, 10, 15, 20, 25, 30], prepare: (layers) => trainingStep(SMOLLM2, { layers }) },
  { name: 'training step', of: 'million parameters', sizes: Object.keys(millions).map(Number), prepare: (size) => trainingStep(millions[size], { tasks: 1 }) },
  { name: 'Evo\'s step', of: 'commits', sizes: [1, 2, 4, 8, 16, 32], prepare: evoStep },
  { name: 'decoding', of: 'tasks', sizes: [4, 8, 16, 32, 64, 128], prepare: decoding },
  {
    name: 'likelihood', of: 'tasks', sizes: [4, 8, 16, 32, 64, 128],
    prepare: (tasks) => { const model = largeModel(SMOLLM2), asked = examples(SMOLLM2, tasks, TOKENS); return () => likelihoods(model, asked, { eos: 0 }, () => {}); },
  },
  { name: 'curation and reading', of: 'repositories', sizes: [14, 28, 56, 112, 224], prepare: repositories },
  { name: 'replaying a history', of: 'commits', sizes: [125, 250, 500, 1000, 2000], prepare: history },
];
