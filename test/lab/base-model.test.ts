/** A model and its tokenizer belong together. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openModel } from '../../lib/dist/lab/base-model.js';
import { saveModel } from '../../lib/dist/model/checkpoint.js';
import { randomModel } from '../../lib/dist/model/weights.js';
import { UserError } from '../../lib/dist/store/errors.js';
import { silent } from '../../lib/dist/store/progress.js';

const folder = mkdtempSync(join(tmpdir(), 'base-model-'));
after(() => rmSync(folder, { recursive: true }));

test('a tokenizer with ids that the embedding has not is refused before any is looked up', async () => {
  const config = { hidden: 16, layers: 1, heads: 1, kvHeads: 1, headDim: 16, mlp: 16, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 64 };
  const made = (vocabSize: number) => {
    const path = join(folder, String(vocabSize));
    saveModel(path, randomModel({ ...config, vocabSize }, 1));
    cpSync('data/models/nano-coder/tokenizer.json', join(path, 'tokenizer.json'));
    return path;
  };
  const { tokenizer } = await openModel(made(8192), silent);
  await assert.rejects(openModel(made(tokenizer.vocabSize - 1), silent), (error) =>
    error instanceof UserError && new RegExp(`ids up to ${tokenizer.vocabSize - 1} and its embedding ${tokenizer.vocabSize - 1} rows`).test(error.message));
});
