/**
 * Embedding throughput: mean final hidden states of windows of code, as the repository encoder computes them with
 * nano-coder, against the same forward pass of transformers. The bar: 1.5 times as fast.
 */
import { tf, tidy } from '../../lib/dist/engine/tensorflow.js';
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { hiddenStates } from '../../lib/dist/model/transformer.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import { inRoot } from '../setup/paths.mjs';
import { pythonFiles } from './python-text.mjs';
import { race } from './race.mjs';

const WINDOWS = 256, BATCH = 32, WINDOW = 256;

const folder = inRoot('data', 'models', 'nano-coder');
const model = loadModel(folder), tokenizer = loadTokenizer(folder);

const windows = [];
for (const text of pythonFiles()) {
  const ids = tokenizer.encode(text.slice(0, 8 * WINDOW)).slice(0, WINDOW);
  if (ids.length === WINDOW) windows.push(ids);
  if (windows.length === WINDOWS) break;
}
const batches = Array.from({ length: WINDOWS / BATCH }, (_, i) => windows.slice(i * BATCH, (i + 1) * BATCH));

const embed = (batch) => tidy(() => {
  const states = hiddenStates(model, tf.tensor2d(batch, [BATCH, WINDOW], 'int32'));
  return states.reshape([BATCH, WINDOW, model.config.hidden]).mean(1).arraySync();
});
console.log(`${WINDOWS} windows of ${WINDOW} tokens in batches of ${BATCH}, f32`);
const { ours, theirs } = await race({
  job: { task: 'embed', model: folder, batches }, ours: () => batches.flatMap(embed),
  amount: WINDOWS * WINDOW, unit: 'tokens', bar: 1.5,
});
const gap = Math.max(...ours.map((row, i) => Math.max(...row.map((x, j) => Math.abs(x - theirs[i][j])))));
console.log(`largest difference between the two: ${gap.toExponential(1)}`);
