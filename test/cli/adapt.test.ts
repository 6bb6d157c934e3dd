/** `adapt` from the command line: what it leaves and says, and one line for what it cannot use. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { saveModel } from '../../lib/dist/model/checkpoint.js';
import { randomModel } from '../../lib/dist/model/weights.js';
import { readSafetensors } from '../../lib/dist/store/safetensors.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';

const folder = mkdtempSync(join(tmpdir(), 'adapt-cli-'));
after(() => rmSync(folder, { recursive: true }));
const adapt = (...args: string[]) =>
  spawnSync(process.execPath, ['lib/bin/code2lora.js', 'adapt', ...args], { encoding: 'utf8', env: { ...process.env, CODE2LORA_OUTPUT: folder } });

/** For the tiny released checkpoints of test/fixtures/adapt. */
function model(name: string, family: 'qwen2' | 'qwen3'): string {
  const path = join(folder, name), { vocabSize } = loadTokenizer('data/models/nano-coder');
  mkdirSync(path);
  saveModel(path, randomModel({
    vocabSize, hidden: 16, layers: 2, heads: 2, kvHeads: 1, headDim: 8, mlp: 24, ropeTheta: 10_000, rmsEps: 1e-6, maxTokens: 256,
    ...(family === 'qwen3' && { family }),
  }, 1));
  cpSync('data/models/nano-coder/tokenizer.json', join(path, 'tokenizer.json'));
  return path;
}
const models = ['--base', model('base', 'qwen2'), '--encoder', model('encoder', 'qwen3')];
const repository = join(folder, 'repository'), out = join(folder, 'out'), checkpoint = 'test/fixtures/adapt/gru.pt';
mkdirSync(repository);
const canary = join(folder, 'ran');
writeFileSync(join(repository, 'setup.py'), `open(${JSON.stringify(canary)}, 'w')\n\n\ndef area(width, height):\n    return width * height\n`);

test('leaves a PEFT folder, says what was read and how long it took, and runs nothing of the repository', () => {
  const { status, stdout, stderr } = adapt(repository, '--checkpoint', checkpoint, ...models, '--out', out);
  assert.equal(status, 0, stderr);
  const settings = JSON.parse(readFileSync(join(out, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
  assert.deepEqual([settings['r'], settings['lora_alpha'], settings['base_model_name_or_path']], [2, 6, join(folder, 'base')]);
  // Two factors of seven projections in each of two layers.
  assert.equal(readSafetensors(join(out, 'adapter_model.safetensors')).tensors.size, 28);
  assert.match(stdout, /code2lora-gru, as released/);
  assert.match(stdout, /1 of 1 files, \d+ tokens, in \d+\.\d s; \d+ tokens went through the encoder/);
  assert.match(stdout, /Written in +\d+\.\d ms \(\d+\.\d ms the first time\)/);
  assert.match(stdout, /initial state/);
  assert.ok(stdout.includes(`is in ${out}`));
  assert.ok(!existsSync(canary));
});

test('help, and one line and exit code 1 for what cannot be used', () => {
  const help = adapt('--help');
  assert.equal(help.status, 0);
  for (const option of ['--checkpoint', '--out', '--base', '--encoder', '--commit']) assert.ok(help.stdout.includes(option));
  const odd = join(folder, 'odd.pt');
  writeFileSync(odd, 'no checkpoint');
  const nowhere = join(folder, 'nowhere');
  const cases: [string[], RegExp][] = [
    [[repository], /--checkpoint/],
    [[repository, '--checkpoint', checkpoint], /--out/],
    [['--checkpoint', checkpoint, '--out', nowhere], /one repository, not 0/],
    [[nowhere, '--checkpoint', checkpoint, '--out', nowhere], /no repository at/],
    [[repository, '--checkpoint', odd, '--out', nowhere, ...models], /odd\.pt is not a checkpoint/],
    [[repository, '--checkpoint', checkpoint, '--out', nowhere, '--base', 'data/models/nano-coder', ...models.slice(2)], /does not fit this model/],
  ];
  for (const [args, message] of cases) {
    const { status, stderr } = adapt(...args);
    assert.equal(status, 1, args.join(' '));
    assert.match(stderr, message);
    // TensorFlow may greet before it can be told not to.
    assert.equal(stderr.trim().split('\n').filter((line) => !/^(WARNING: All log|I0000)/.test(line)).length, 1, stderr);
  }
  assert.ok(!existsSync(nowhere));
});
