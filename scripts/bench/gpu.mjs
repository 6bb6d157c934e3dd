/**
 * What a GPU does: matrix products; then training steps of Code2LoRA-Static, decoding and embedding with random weights in
 * the shapes of nano-coder, Qwen2.5-Coder-0.5B and 1.5B, beside PyTorch on the same device where it is there. Products
 * round to TF32 on both sides, unless NVIDIA_TF32_OVERRIDE=0 is set.
 * Usage: npm run bench -- gpu [--python PYTHON] [--shapes nano,0.5b,1.5b,1.5b-long] [--work train,generate,embed]
 * `--shapes tiny` runs anywhere: a rehearsal.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { embedderOf } from '../../lib/dist/encoder/embedder.js';
import { batchVectors } from '../../lib/dist/encoder/text-vectors.js';
import { AdamW } from '../../lib/dist/engine/adamw.js';
import { gpus, tensorFloat32 } from '../../lib/dist/engine/gpu.js';
import { issuedBy } from '../../lib/dist/engine/op-times.js';
import { device, onGpu, tf } from '../../lib/dist/engine/tensorflow.js';
import { staticHead } from '../../lib/dist/hypernet/static-head.js';
import { bodyParameters } from '../../lib/dist/model/config.js';
import { generate } from '../../lib/dist/model/generate.js';
import { QWEN_CODER_1_5B } from '../../lib/dist/profiles.js';
import { adapterLearner } from '../../lib/dist/train/adapter-learner.js';
import { fixturesPython } from '../fixtures-python.mjs';
import { largeModel, QWEN_CODER_0_5B } from './large-model.mjs';
import { race } from './race.mjs';
import { NANO, randomIds } from './shapes.mjs';

const TARGET = 16;
/** Tasks and tokens of a training step, and its hypernetwork; sequences and tokens of a batch that is answered or encoded. */
const SHAPES = {
  tiny: { config: { ...NANO, layers: 2, vocabSize: 512 }, train: { batch: 2, tokens: 64, rank: 4, input: 32, width: 16 }, prompts: { count: 2, tokens: 64 } },
  nano: { config: NANO, train: { batch: 32, tokens: 256, rank: 8, input: 512, width: 256 }, prompts: { count: 128, tokens: 240 } },
  '0.5b': { config: QWEN_CODER_0_5B, train: { batch: 8, tokens: 1024, rank: 16, input: 2048, width: 1024 }, prompts: { count: 32, tokens: 512 } },
  '1.5b': { config: QWEN_CODER_1_5B, train: { batch: 8, tokens: 1024, rank: 16, input: 2048, width: 1024 }, prompts: { count: 32, tokens: 512 } },
  '1.5b-long': { config: QWEN_CODER_1_5B, train: { batch: 2, tokens: 4096, rank: 16, input: 2048, width: 1024 } },
};
const NEW_TOKENS = 32;

const { values: options } = parseArgs({ options: { python: { type: 'string' }, shapes: { type: 'string', default: 'nano,0.5b,1.5b,1.5b-long' }, work: { type: 'string', default: 'train,generate,embed' } } });
const shapes = options.shapes.split(','), python = options.python ?? fixturesPython();
if (!onGpu && shapes.join() !== 'tiny') {
  console.error('No GPU computes here ("npx code2lora doctor --gpu" says why); --shapes tiny runs on a processor.');
  process.exit(1);
}
console.log(`${device()}${onGpu ? `, driver ${gpus()[0]?.driver}` : ''}; ${python ? 'PyTorch beside it' : 'no PyTorch here: "npm run fixtures" installs it'}`);

const rows = [];
/** Times ours, with PyTorch's in turn where it is there. `wait` asks for the last value, so that all is computed. */
async function measure(name, job, ours, amount, unit) {
  console.log(`\n── ${name}`);
  if (python) {
    const { best, ratio } = await race({ job: { ...job, ...(onGpu && { device: 'cuda', tf32: tensorFloat32() }) }, ours, amount, unit, rounds: 3, python });
    rows.push([name, `${Math.round(amount / best).toLocaleString('en')} ${unit}/s`, ratio.toFixed(2)]);
    return best;
  }
  const times = Array.from({ length: 4 }, () => {
    const began = performance.now();
    ours();
    return (performance.now() - began) / 1000;
  });
  const best = Math.min(...times.slice(1));
  console.log(`${best.toFixed(3)} s, ${Math.round(amount / best)} ${unit}/s (first ${times[0].toFixed(2)} s)`);
  rows.push([name, `${Math.round(amount / best).toLocaleString('en')} ${unit}/s`, '']);
  return best;
}
const lastValue = (t) => tf.tidy(() => t.flatten().slice([0], [1]).dataSync()[0]);
const countOps = (work) => {
  const { ops, sent, sentSingle, read } = issuedBy(work);
  return `${[...ops.values()].reduce((n, o) => n + o.calls, 0)} ops issued, ${sent} tensors sent (${sentSingle} of one value), ${read} reads`;
};

function products() {
  for (const size of onGpu ? [2048, 8192] : [256]) {
    const a = tf.randomNormal([size, size]), times = 10;
    let best = Infinity;
    for (let i = 0; i < 4; i++) {
      lastValue(a);
      const began = performance.now();
      let c;
      for (let k = 0; k < times; k++) {
        c?.dispose();
        c = tf.matMul(a, a);
      }
      lastValue(c);
      c.dispose();
      best = Math.min(best, (performance.now() - began) / times);
    }
    a.dispose();
    const rate = (2 * size ** 3) / best / 1e9;
    console.log(`products of ${size} x ${size}: ${rate.toFixed(1)} TFLOP/s`);
    rows.push([`matrix products, ${size} x ${size}`, `${rate.toFixed(1)} TFLOP/s`, '']);
  }
}

async function train(name, model, { config, train: s }) {
  const head = staticHead({ input: s.input, hidden: s.width, rank: s.rank, alpha: 2 * s.rank }, config);
  const vector = tf.keep(tf.randomNormal([1, s.input])), parameters = head.initial(1);
  const checkpoint = s.tokens > 256;
  const learner = adapterLearner(model, { parameters, names: head.names, write: (p) => head.apply(p, vector) }, [], () => ({ repo: 'r' }),
    { microBatch: s.batch, detachInput: false, checkpoint }, 0);
  const optimiser = new AdamW(parameters, { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 });
  const items = [randomIds(s.batch, s.tokens, config.vocabSize).map((ids) => ({ task: { repo: 'r' }, prefix: ids.slice(0, -TARGET), target: ids.slice(-TARGET) }))];
  const gradients = () => learner.gradients(optimiser.parameters, { contexts: [{ repo: 'r' }], items }).gradients;
  const step = () => {
    const list = gradients();
    optimiser.update(list, 1e-4);
    tf.dispose(list);
    lastValue(optimiser.parameters.at(-1));
  };
  const tokens = s.batch * s.tokens;
  const best = await measure(`training step, ${name}, ${s.batch} tasks of ${s.tokens.toLocaleString('en')} tokens`,
    { task: 'train', config, batch: s.batch, tokens: s.tokens, target: TARGET, rank: s.rank, input: s.input, width: s.width, steps: 1 }, step, tokens, 'tokens');
  const useful = 4 * bodyParameters(config) * tokens;
  console.log(`${(useful / best / 1e12).toFixed(1)} TFLOP/s of the frozen weights' products; ${countOps(step)}; ${usedMemory()}`);
  optimiser.dispose();
  tf.dispose([optimiser.parameters, vector]);
}
/** TensorFlow gives back nothing that it once had, so this is the most that was needed so far, PyTorch's part included. */
function usedMemory() {
  const { stdout } = spawnSync('nvidia-smi', ['--query-compute-apps=pid,used_memory', '--format=csv,noheader'], { encoding: 'utf8' });
  return `memory on the device by process: ${stdout?.trim().replace(/\n/g, '; ') || 'not told'}`;
}

async function answer(name, model, { config, prompts: { count, tokens } }) {
  const prompts = randomIds(count, tokens, config.vocabSize), eos = config.vocabSize - 1;
  const ours = () => generate(model, prompts, { maxNewTokens: NEW_TOKENS, eos, lastTokens: new Set() });
  await measure(`decoding, ${name}, ${count} prompts of ${tokens} tokens, ${NEW_TOKENS} more`,
    { task: 'generate', config, batches: [prompts], maxNewTokens: NEW_TOKENS, eos, lineBreaks: [] }, ours, count * NEW_TOKENS, 'tokens');
  console.log(countOps(ours));
}

async function encode(name, model, { config, prompts: { count, tokens } }) {
  const windows = randomIds(count, tokens, config.vocabSize), embedder = embedderOf(model, { eos: 0 }, 'bench');
  await measure(`embedding, ${name}, ${count} windows of ${tokens} tokens`, { task: 'embed', config, batches: [windows] },
    () => batchVectors(windows, embedder, 'mean'), count * tokens, 'tokens');
}

products();
const work = { train, generate: answer, embed: encode };
for (const name of shapes) {
  const shape = SHAPES[name], began = performance.now(), model = largeModel(shape.config);
  lastValue(model.finalNorm);
  console.log(`\n${name}: weights made in ${((performance.now() - began) / 1000).toFixed(1)} s, ${(tf.memory().numBytes / 2 ** 30).toFixed(2)} GB in tensors`);
  for (const part of options.work.split(',')) if (part === 'train' || shape.prompts) await work[part](name, model, shape);
  tf.dispose([model.embed, model.finalNorm, ...model.layers.flatMap((l) => Object.values(l))]);
}
console.log(`\n| ${device()} | | times PyTorch |\n| --- | ---: | ---: |\n${rows.map((r) => `| ${r.join(' | ')} |`).join('\n')}`);
