/** nano-coder as encoder, with the post-processor of Qwen3-Embedding's tokenizer: an end token after every text. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embedderOf, type Embedder } from '../../lib/dist/encoder/embedder.js';
import { loadModel } from '../../lib/dist/model/checkpoint.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';

export function nanoEmbedder(): Embedder {
  const nano = 'data/models/nano-coder', folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
  const { postProcessor } = JSON.parse(readFileSync('test/fixtures/encoder/repository.json', 'utf8')) as { postProcessor: unknown };
  const tokenizer = JSON.parse(readFileSync(join(nano, 'tokenizer.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ ...tokenizer, post_processor: postProcessor }));
  const loaded = loadTokenizer(folder);
  rmSync(folder, { recursive: true });
  return embedderOf(loadModel(nano), loaded, 'nano');
}
