/** `pretrain`: trains nano-coder from the pinned projects and puts it in data/models. Goes on where an earlier one stopped. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { device } from '../engine/tensorflow.js';
import { fetchDistributions, type Pin } from '../data/sources/pypi.js';
import { cache, data } from '../lab/paths.js';
import { nanoCoder, SEED } from '../pretrain/nano-coder.js';
import { pretrain } from '../pretrain/pretrain.js';
import { prepareTokens } from '../pretrain/tokens.js';
import { loadTokenizer } from '../text/tokenizer.js';
import { shipModel } from './ship-nano-coder.js';
import { terminalProgress } from './terminal-progress.js';

/** Tokens in the pool that training draws from. */
const POOL = 80e6;

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { tokens: { type: 'string', default: '60000000' } } });
  const progress = terminalProgress();
  const { projects, exclude } = JSON.parse(readFileSync(data('corpora', 'pretrain.json'), 'utf8')) as { projects: Pin[]; exclude: string[] };
  console.log(`Pre-training nano-coder on ${device()}.`);
  const archives = await fetchDistributions(projects, cache(), progress);
  const folder = data('models', 'nano-coder');
  const tokenizer = loadTokenizer(folder);
  const text = prepareTokens(cache('pretrain'), tokenizer, {
    projects: projects.map((p, i) => ({ name: p.name, archive: archives[i]! })), excluded: new Set(exclude), tokens: POOL, seed: SEED,
  }, progress);
  const config = nanoCoder(tokenizer.vocabSize, Number(values.tokens));
  const run = cache('pretrain', 'run');
  const model = await pretrain(config, text, run, progress);
  await shipModel(folder, model, config, text, projects.length, run);
  console.log(`Written to ${folder}.`);
}
