/** Outputs and gradients of every hypernetwork against PyTorch's, which make.py computed from the same formulas. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toArray, toTensor } from '../../lib/dist/engine/arrays.js';
import { tf, type Tensor } from '../../lib/dist/engine/tensorflow.js';
import { evo } from '../../lib/dist/hypernet/evo.js';
import type { Hypernetwork, Network } from '../../lib/dist/hypernet/layers.js';
import { paw } from '../../lib/dist/hypernet/paw.js';
import { readDirect, readGru, type State } from '../../lib/dist/hypernet/released.js';
import { staticHead } from '../../lib/dist/hypernet/static-head.js';
import { text2lora } from '../../lib/dist/hypernet/text2lora.js';
import { inOne, projections, mapAdapter, type Adapter } from '../../lib/dist/lora/adapter.js';
import { functional, gap, head, inputs, model, reference, repos, rule, stacked, stateDict, stored } from './fixture.js';
import { writeDirect, writeGru } from './write-released.js';

const BOUND = 1e-5;
const context = inputs(1000, [repos, head.input]);

function checkOutputs(network: string, adapter: Adapter): void {
  for (const p of projections) {
    for (const k of ['a', 'b'] as const) {
      const off = gap(toArray(stacked(adapter, p, k)), reference.get(`${network}/outputs/${p}.${k}`)!);
      assert.ok(off < BOUND, `${network} ${p}.${k}: ${off}`);
    }
  }
}
function gradients(network: Network, parameters: Tensor[], write: (parameters: Tensor[]) => Adapter): State {
  const grads = tf.grads((...list: Tensor[]) => functional(write(list)))(parameters);
  return new Map(network.names.map((n, i) => [n, stored(toArray(grads[i]!))]));
}
function checkGradients(network: string, part: string, got: State): void {
  const wanted = [...reference.keys()].filter((n) => n.startsWith(`${network}/gradients/${part}/`));
  assert.equal(got.size, wanted.length);
  for (const key of wanted) {
    const name = key.split('/')[3]!;
    const off = gap(got.get(name)!.read(), reference.get(key)!);
    assert.ok(off < BOUND, `${network} ${name}: ${off}`);
  }
}
const load = (state: State): Tensor[] => [...state.values()].map((t) => toTensor(t.read()));

test('static head, from the released layout', () => {
  const file = { state_dict: stateDict('direct', 'state_dict'), config: { rank: 2 }, args: {} };
  const { config, parameters } = readDirect(file, model);
  assert.deepEqual(config, head);
  const network = staticHead(config, model);
  const values = load(parameters);
  const adapter = network.apply(values, context);
  assert.equal(adapter.layers.length, 1);
  checkOutputs('direct', adapter);
  const grads = gradients(network, values, (list) => network.apply(list, context));
  checkGradients('direct', 'state_dict', writeDirect(config, grads, model).state_dict);
  // Several vectors of one repository: their maximum.
  const pooled = network.apply(values, inputs(1001, [repos, 4, head.input]));
  assert.ok(gap(toArray(stacked(pooled, 'q_proj', 'a')), reference.get('pooled/outputs/q_proj.a')!) < BOUND);
});

test('Evo: five commits, and the gradient through all of them', () => {
  const file = {
    gru_state: stateDict('gru', 'gru_state'), head_state: stateDict('gru', 'head_state'), head_config: { rank: 2 }, args: {},
    per_step_input: 'diff',
  };
  const { config, parameters } = readGru(file, model);
  assert.deepEqual(config, { input: 12, stepInput: 'diff', width: 10, head: { hidden: 8, rank: 2, alpha: 4 } });
  const network = evo(config, model);
  assert.deepEqual([...parameters.keys()], network.names);
  const commits = tf.unstack(inputs(1002, [repos, 5, head.input]), 1);
  const unroll = (list: Tensor[]) =>
    network.head(list, commits.reduce((h, x) => network.step(list, h, x), network.initialState(list, context)));
  const values = load(parameters);
  checkOutputs('gru', unroll(values));
  const grads = writeGru(config, gradients(network, values, unroll), model);
  checkGradients('gru', 'gru_state', grads.gru_state);
  checkGradients('gru', 'head_state', grads.head_state);
});

const others: [string, Hypernetwork][] = [
  ['residual', staticHead({ ...head, form: 'residual' }, model)],
  ['film', staticHead({ ...head, form: 'film' }, model)],
  ['paw', paw({ ...head, bases: 3 }, model)],
  ['text2lora', text2lora({ ...head, task: 6 }, model)],
];

/** Names are ours there; weights of linear layers are PyTorch's transposed. Embeddings and bases are no such layers. */
function turned(state: State): State {
  return new Map([...state].map(([name, tensor]) => {
    const linear = tensor.shape.length === 2 && name.endsWith('weight') && !/^(depth|projection)/.test(name);
    return [name, linear ? stored(toArray(toTensor(tensor.read()).transpose())) : tensor];
  }));
}

for (const [name, network] of others) {
  test(name, () => {
    const state = turned(stateDict(name, 'state_dict'));
    assert.deepEqual([...state.keys()].sort(), [...network.names].sort());
    const values = network.names.map((n) => toTensor(state.get(n)!.read()));
    const adapter = inOne(network.apply(values, context));
    assert.deepEqual([adapter.rank, adapter.alpha], name === 'residual' ? [4, 8] : [2, 4]);
    assert.deepEqual([adapter.layers.length, adapter.layers[1]!.q_proj.a.shape[1]], [model.layers, adapter.rank]);
    checkOutputs(name, adapter);
    checkGradients(name, 'state_dict', turned(gradients(network, values, (list) => inOne(network.apply(list, context)))));
  });
}

test('three repositories at once are three single calls', () => {
  for (const [name, network] of [...others, ['paper', staticHead(head, model)] as const]) {
    // Not the initial values: some networks start with B at zero.
    const values = network.initial(5).map((t, i) => toTensor(rule(i, t.shape)));
    const together = inOne(network.apply(values, context));
    for (let r = 0; r < 3; r++) {
      const one = mapAdapter(together, (t) => t.slice([r, 0, 0], [1, -1, -1]).squeeze([0]));
      const alone = inOne(network.apply(values, context.slice([r, 0], [1, head.input])));
      for (const p of projections) {
        one.layers.forEach((l, i) => {
          for (const k of ['a', 'b'] as const) {
            assert.ok(gap(toArray(alone.layers[i]![p][k].squeeze([0])), toArray(l[p][k])) < BOUND, `${name} ${p}.${k}`);
          }
        });
      }
    }
  }
});
