/**
 * `pretrain`: trains nano-coder from the pinned projects and puts it in data/models. Goes on where an interrupted one
 * stopped. With `--continue` a new round starts from the shipped weights, on other windows of the same text.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { device, unusedGpu } from '../engine/tensorflow.js';
import { fetchDistributions, type Pin } from '../data/sources/pypi.js';
import { cache, data } from '../lab/paths.js';
import { loadModel } from '../model/checkpoint.js';
import { nanoCoder, SEED } from '../pretrain/nano-coder.js';
import { pretrain } from '../pretrain/pretrain.js';
import { prepareTokens } from '../pretrain/tokens.js';
import { hashJson } from '../store/hash.js';
import { loadTokenizer } from '../text/tokenizer.js';
import { atLeastOne } from './options.js';
import { shipModel, shippedLog } from './ship-nano-coder.js';
import { terminalProgress } from './terminal-progress.js';

/** Tokens in the pool that training draws from. */
const POOL = 80e6;

export const USAGE = `Usage: npx code2lora pretrain [options]

  --tokens N    of training, 60000000 when absent
  --continue    from the shipped weights, on other windows of the same text; from scratch when absent

It takes the place of the shipped model in data/models/nano-coder. Stopped, the same command goes on where it was.`;

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { tokens: { type: 'string', default: '60000000' }, continue: { type: 'boolean', default: false } } });
  const tokens = atLeastOne('tokens', values.tokens);
  const progress = terminalProgress();
  const { projects, exclude } = JSON.parse(readFileSync(data('corpora', 'pretrain.json'), 'utf8')) as { projects: Pin[]; exclude: string[] };
  const unused = unusedGpu();
  if (unused) console.log(unused);
  console.log(`Pre-training nano-coder on ${device()}.`);
  const archives = await fetchDistributions(projects, cache(), progress);
  const folder = data('models', 'nano-coder');
  const tokenizer = loadTokenizer(folder);
  const text = prepareTokens(cache('pretrain'), tokenizer, {
    projects: projects.map((p, i) => ({ name: p.name, archive: archives[i]! })), excluded: new Set(exclude), tokens: POOL, seed: SEED,
  }, progress);
  const earlier = values.continue ? shippedLog(folder) : [];
  const rounds = earlier.filter((line, i) => i === 0 || line.step < earlier[i - 1]!.step).length;
  const config = nanoCoder(tokenizer.vocabSize, tokens, SEED + rounds);
  // Checkpoints of other text or another schedule are not gone on with.
  const run = cache('pretrain', `round-${rounds + 1}-${hashJson([text.key, config]).slice(0, 8)}`);
  const model = await pretrain(config, text, run, progress, values.continue ? loadModel(folder) : undefined);
  await shipModel(folder, model, config, text, projects.length, run, earlier);
  console.log(`Written to ${folder}.`);
}
