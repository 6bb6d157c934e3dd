/** Released checkpoints to our parameters and back; what does not fit is named. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readDirect, readGru, type State } from '../../lib/dist/hypernet/released.js';
import { staticHead } from '../../lib/dist/hypernet/static-head.js';
import { UserError } from '../../lib/dist/store/errors.js';
import { readSafetensors, writeSafetensors } from '../../lib/dist/store/safetensors.js';
import { model, rule, stateDict, stored } from './fixture.js';
import { writeDirect, writeGru } from './write-released.js';

const direct = () => ({ state_dict: new Map(stateDict('direct', 'state_dict')), config: { rank: 2, hidden_dim: 8, input_dim: 12 }, args: { lora_alpha: 6 } });
const gru = () => ({
  gru_state: new Map(stateDict('gru', 'gru_state')), head_state: new Map(stateDict('gru', 'head_state')),
  head_config: { rank: 2 }, args: {}, per_step_input: 'diff',
});
const arrays = (state: State) => new Map([...state].map(([n, t]) => [n, t.read()]));
const byName = (state: State) => [...arrays(state)].sort(([a], [b]) => (a < b ? -1 : 1));

test('there and back, and through safetensors', () => {
  const file = direct();
  const read = readDirect(file, model);
  assert.equal(read.config.alpha, 6);
  const folder = mkdtempSync(join(tmpdir(), 'released-')), path = join(folder, 'head.safetensors');
  writeSafetensors(path, arrays(read.parameters));
  const again: State = new Map([...readSafetensors(path).tensors].map(([n, t]) => [n, stored(t)]));
  rmSync(folder, { recursive: true });
  const back = writeDirect(read.config, again, model);
  assert.deepEqual(byName(back.state_dict), byName(file.state_dict));
  assert.deepEqual(back.config['type_dims'], {
    down_proj: [24, 16], gate_proj: [16, 24], k_proj: [16, 8], o_proj: [16, 16], q_proj: [16, 16], up_proj: [16, 24], v_proj: [16, 8],
  });
  assert.deepEqual(readDirect(back, model).config, read.config);

  const evolution = gru();
  const { config, parameters } = readGru(evolution, model);
  const written = writeGru(config, parameters, model);
  assert.deepEqual(byName(written.gru_state), byName(evolution.gru_state));
  assert.deepEqual(byName(written.head_state), byName(evolution.head_state));
  assert.deepEqual([written.per_step_input, readGru(written, model).config], ['diff', config]);
});

test('a matrix larger than a tile is transposed whole', () => {
  const config = { input: 70, hidden: 45, rank: 2, alpha: 4 };
  const names = staticHead(config, model);
  const values = names.initial(2);
  const ours = new Map(names.names.map((n, i) => [n, stored({ shape: values[i]!.shape, data: values[i]!.dataSync() as Float32Array })]));
  const { data, shape } = readDirect(writeDirect(config, ours, model), model).parameters.get('trunk.0.weight')!.read();
  assert.deepEqual(shape, [70, 45]);
  assert.deepEqual([...data], [...values[0]!.dataSync()]);
});

test('other spellings of the same modules', () => {
  const file = direct();
  const respelt = new Map([...file.state_dict].map(([n, t]) => [
    n.replace(/trunk\.(\d)/, 'mlp.net.$1').replace(/heads_(.)\.(\w+)\./, '$2.lora_$1.').replace(/log_scale_(.)\.(\w+)/, 'scales.$2_$1'),
    // A parameter of one value may be a vector.
    t.shape.length ? t : { shape: [1], read: () => ({ shape: [1], data: t.read().data }) },
  ]));
  assert.ok(respelt.has('q_proj.lora_A.weight') && respelt.has('scales.q_proj_A') && respelt.has('mlp.net.2.bias'));
  assert.deepEqual(byName(readDirect({ ...file, state_dict: respelt }, model).parameters), byName(readDirect(file, model).parameters));
  const evolution = gru();
  const cell = new Map([...evolution.gru_state].map(([n, t]) => [n.replace('_l0', '').replace('diff_proj.1', 'diff_norm').replace('out_norm', 'ln'), t]));
  assert.deepEqual(byName(readGru({ ...evolution, gru_state: cell }, model).parameters), byName(readGru(evolution, model).parameters));
});

test('what is missing, unknown or misshapen is named, all at once', () => {
  const file = direct();
  file.state_dict.delete('heads_B.v_proj.bias');
  file.state_dict.set('extra.weight', stored(rule(1, [3, 3])));
  file.state_dict.set('heads_A.q_proj.weight', stored(rule(1, [8, 32])));
  file.state_dict.set('old_heads_A.k_proj.weight', stored(rule(1, [32, 8])));
  assert.throws(() => readDirect(file, model), (e) => e instanceof UserError && [
    'v_proj.b.bias [16] is missing', 'extra.weight [3,3] is not a part', 'heads_A.q_proj.weight is [8,32], expected [32,8]',
    'old_heads_A.k_proj.weight and heads_A.k_proj.weight both look like k_proj.a.weight',
  ].every((part) => e.message.includes(part)));
  assert.throws(() => readDirect(direct(), { ...model, mlp: 32 }), /heads_A\.down_proj\.weight is \[48,8\], expected \[64,8\]/);
  assert.throws(() => readDirect({ ...direct(), config: { rank: 2, hidden_dim: 9, input_dim: 12 } }, model), /hidden_dim 9, its tensors 8/);
  assert.throws(() => readDirect({ ...direct(), config: {} as never }, model), /names no rank/);
  assert.throws(() => readGru({ ...gru(), per_step_input: 'both' }, model), /"both"; known are diff, repo_state, concat/);
  assert.throws(() => readGru({ ...gru(), per_step_input: 'concat' }, model), /diff_proj\.0\.weight is \[10,12\], expected \[10,24\]/);
});
