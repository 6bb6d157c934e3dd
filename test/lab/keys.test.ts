/** What a result is named by: all that it depends on, and nothing else. */
import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runId, trainingId } from '../../lib/dist/lab/keys.js';
import { refuseTwin } from '../../lib/dist/lab/training.js';
import { methods } from '../../lib/dist/methods/index.js';
import type { Track } from '../../lib/dist/methods/method.js';
import { type Profile, profileNamed } from '../../lib/dist/profiles.js';

const folder = mkdtempSync(join(tmpdir(), 'keys-'));
after(() => rmSync(folder, { recursive: true }));
const mini = profileNamed('mini'), coder = profileNamed('coder');
const named = (name: string) => methods.find((method) => method.name === name)!;
const trainings = (name: string, track: Track, ...profiles: Profile[]) => new Set(profiles.map((profile) => trainingId(named(name), track, 1, profile))).size;
const runs = (name: string, track: Track, ...profiles: Profile[]) => new Set(profiles.map((profile) => runId(named(name), track, 1, profile))).size;
const asking = (profile: Profile, track: Track, more: object): Profile => ({ ...profile, evaluated: { ...profile.evaluated, [track]: { ...profile.evaluated[track], ...more } } });

test('more answers train nothing anew, unless it is trained for those that are asked', () => {
  const more = asking(mini, 'static', { CR: mini.evaluated.static.CR + 1 });
  assert.deepEqual(['code2lora-static', 'single-lora', 'per-repo-lora', 'headroom-tests'].map((name) => trainings(name, 'static', mini, more)), [1, 1, 1, 2]);
  assert.equal(runs('single-lora', 'static', mini, more), 2);
  const others = asking(mini, 'static', { irRepositories: mini.evaluated.static.irRepositories - 1 });
  assert.deepEqual(['single-lora', 'per-repo-lora', 'headroom-source'].map((name) => trainings(name, 'static', mini, others)), [1, 2, 2]);
  assert.deepEqual(['single-lora', 'per-repo-lora'].map((name) => trainings(name, 'static', mini, asking(mini, 'static', { IR: 0 }))), [1, 2], 'for none, where none are asked');
});

test('which commits are asked decides which validation tasks there are', () => {
  assert.equal(trainings('code2lora-evo', 'evolution', coder, asking(coder, 'evolution', { commits: 12 })), 2);
  assert.equal(trainings('code2lora-static', 'static', coder, asking(coder, 'evolution', { commits: 12 })), 1);
});

test('the model that reads is known by its weights, a folder by what says how they are used as well', () => {
  const reader = join(folder, 'reader'), reading = { ...coder, encoder: { ...coder.encoder, model: reader } };
  cpSync('data/models/nano-coder', reader, { recursive: true });
  const ids = new Set<string | undefined>();
  // Hashes are kept while a program runs: each state is a folder of its own.
  for (const [i, change] of [() => {}, () => appendFileSync(join(reader, 'tokenizer.json'), ' '), () => writeFileSync(join(reader, 'config.json'), '{}')].entries()) {
    change();
    const own = join(folder, `state-${i}`);
    cpSync(reader, own, { recursive: true });
    for (const track of ['static', 'evolution'] as const) ids.add(trainingId(named('code2lora-static'), track, 1, { ...reading, encoder: { ...reading.encoder, model: own } }));
    ids.add(runId(named('pretrained'), 'static', 1, { ...coder, base: { model: own } }));
  }
  assert.equal(ids.size, 9);
});


test('two methods that train different things under the same settings are refused', () => {
  const at = { track: 'static', seed: 1 } as const, copy = { ...named('text2lora'), name: 'mine', train: async () => { throw new Error('another training'); } };
  for (const method of methods) if (method.train && method.tracks.includes('static')) refuseTwin(method, at, mini);
  assert.throws(() => refuseTwin(copy, at, mini), /mine and text2lora train under the same name/);
  refuseTwin({ ...copy, settings: (learning, track) => ({ ...named('text2lora').settings!(learning, track), method: 'mine' }) }, at, mini);
});
