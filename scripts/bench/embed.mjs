/**
 * Embedding throughput: mean final hidden states of windows, as the repository encoder computes them, against the same
 * forward pass of transformers: nano-coder on code (the bar: twice as fast), or with `0.5b` random weights and tokens in a
 * real model's shape (as fast).
 */
import { batchVectors } from '../../lib/dist/encoder/text-vectors.js';
import { embedderOf } from '../../lib/dist/encoder/embedder.js';
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import { inRoot } from '../setup/paths.mjs';
import { pythonFiles } from './python-text.mjs';
import { race } from './race.mjs';
import { printShares } from './rate.mjs';
import { randomIds, shapeOf } from './shapes.mjs';

const large = process.argv[2] === '0.5b';
const [WINDOWS, BATCH, WINDOW] = large ? [8, 8, 512] : [256, 32, 256];

const folder = inRoot('data', 'models', 'nano-coder'), tokenizer = loadTokenizer(folder);
const { config, model: make } = shapeOf(process.argv[2]);
const model = large ? make() : loadModel(folder);

const windows = large ? randomIds(WINDOWS, WINDOW, config.vocabSize) : [];
for (const text of large ? [] : pythonFiles()) {
  const ids = tokenizer.encode(text.slice(0, 8 * WINDOW)).slice(0, WINDOW);
  if (ids.length === WINDOW) windows.push(ids);
  if (windows.length === WINDOWS) break;
}
const batches = Array.from({ length: WINDOWS / BATCH }, (_, i) => windows.slice(i * BATCH, (i + 1) * BATCH));
const embedder = embedderOf(model, tokenizer, 'bench'), { hidden } = embedder;
const embed = (batch) => {
  const rows = batchVectors(batch, embedder, 'mean');
  return batch.map((_, i) => rows.subarray(i * hidden, (i + 1) * hidden));
};

console.log(`${WINDOWS} windows of ${WINDOW} tokens in batches of ${BATCH}`);
const { ours, theirs } = await race({
  job: { task: 'embed', ...(large ? { config } : { model: folder }), batches }, ours: () => batches.flatMap(embed),
  amount: WINDOWS * WINDOW, unit: 'tokens', bar: large ? 1 : 2, rounds: large ? 3 : 5,
});
if (!large) {
  const gap = Math.max(...ours.map((row, i) => Math.max(...row.map((x, j) => Math.abs(x - theirs[i][j])))));
  console.log(`largest difference between the two: ${gap.toExponential(1)}`);
}
printShares(() => { embed(batches[0]); }, model.config.vocabSize);
