/**
 * The tokenizers of nano-coder and of the pinned models against `tokenizers` and `transformers`, which read the same files:
 * the same ids for 2,000 real files. Needs what `reproduce` has downloaded; runs when asked for, by `npm test -- long`.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readArchive } from '../../lib/dist/data/archive.js';
import { fetchPinnedModel, readPinnedModel } from '../../lib/dist/lab/pinned-model.js';
import { sha256 } from '../../lib/dist/store/hash.js';
import { silent } from '../../lib/dist/store/progress.js';
import { Random } from '../../lib/dist/store/random.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import { fixturesPython, withoutPython } from '../fixtures-python.js';

const downloads = 'data/cache/downloads';

function realFiles(): string[] {
  const random = new Random(3407);
  const texts: string[] = [];
  for (const name of random.shuffle(readdirSync(downloads).filter((f) => /\.(whl|zip|gz)$/.test(f)).sort())) {
    const files = random.shuffle(readArchive(join(downloads, name)).files);
    texts.push(...files.slice(0, 25).map((f) => Buffer.from(f.bytes).toString('utf8')));
    if (texts.length >= 2000) return texts;
  }
  throw new Error(`Only ${texts.length} files in ${downloads}: npm run reproduce fetches them.`);
}

for (const name of ['nano-coder', 'smollm2-135m', 'qwen2.5-coder-0.5b', 'qwen2.5-coder-1.5b']) {
  test(`${name}: 2,000 files have the ids that Hugging Face gives them`, { timeout: 3_600_000, skip: withoutPython || (!existsSync(downloads) && `needs ${downloads}`) }, async () => {
    const path = name === 'nano-coder' ? 'data/models/nano-coder' : await fetchPinnedModel(readPinnedModel(name), silent);
    const tokenizer = loadTokenizer(path), texts = realFiles(), folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
    try {
      const json = join(folder, 'texts.json'), script = 'test/fixtures/tokenizer/encode.py';
      writeFileSync(json, JSON.stringify(texts));
      const expected = execFileSync(fixturesPython!, [script, name === 'nano-coder' ? join(path, 'tokenizer.json') : path, json], { encoding: 'utf8', env: { ...process.env, HF_HUB_OFFLINE: '1' } }).trimEnd().split('\n');
      assert.equal(expected.length, texts.length);
      const different = texts.filter((text, i) => sha256(tokenizer.encode(text).join(',')).slice(0, 12) !== expected[i]);
      assert.deepEqual(different.map((t) => t.slice(0, 200)).slice(0, 3), [], `${different.length} of ${texts.length} files`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
