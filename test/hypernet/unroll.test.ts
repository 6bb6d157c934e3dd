/** Walking histories: the state at a commit, and through how many commits its gradient goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tf, type Tensor } from '../../lib/dist/engine/tensorflow.js';
import { evo } from '../../lib/dist/hypernet/evo.js';
import { adaptersAlong, type Walk } from '../../lib/dist/hypernet/unroll.js';
import { adapterTensors } from '../../lib/dist/lora/adapter.js';
import { Random } from '../../lib/dist/store/random.js';

const model = { vocabSize: 40, hidden: 8, layers: 2, heads: 2, kvHeads: 1, headDim: 4, mlp: 12, ropeTheta: 1e4, rmsEps: 1e-6, maxTokens: 64 };
const network = evo({ input: 6, stepInput: 'diff', width: 5, head: { hidden: 7, rank: 2, alpha: 4 } }, model);
const parameters = network.initial(3);
const random = new Random(9);
const vector = () => Float32Array.from({ length: 6 }, () => random.normal());
const commits = Array.from({ length: 6 }, () => ({ diff: vector(), state: vector() }));
const walk = (wanted: number[]): Walk => ({ initial: commits[0]!.state, commits, wanted });
const row = (v: Float32Array) => tf.tensor2d([Array.from(v)]);

/** States by hand: stepped with each commit's own diff. */
function stateAt(commit: number): Tensor {
  let h = network.initialState(parameters, row(commits[0]!.state));
  for (let i = 0; i <= commit; i++) h = network.step(parameters, h, row(commits[i]!.diff));
  return h;
}
const flat = (list: Tensor[]) => list.flatMap((t) => [...t.dataSync()]);

test('the adapters of several commits of several histories are those of their states', () => {
  const made = adaptersAlong(network, parameters, [walk([1, 4]), walk([]), walk([5])], 'diff', false);
  const states = [stateAt(1), stateAt(4), network.initialState(parameters, row(commits[0]!.state)), stateAt(5)];
  const expected = flat(adapterTensors(network.head(parameters, tf.concat(states, 0))));
  flat(adapterTensors(made)).forEach((x, i) => { assert.ok(Math.abs(x - expected[i]!) < 1e-6); });
});

test('a later commit never changes the adapter of an earlier one', () => {
  const before = flat(adapterTensors(adaptersAlong(network, parameters, [walk([2])], 'diff', false)));
  const changed = [...commits.slice(0, 3), ...commits.slice(3).map(() => ({ diff: vector(), state: vector() }))];
  assert.deepEqual(flat(adapterTensors(adaptersAlong(network, parameters, [{ ...walk([2]), commits: changed }], 'diff', false))), before);
});

test('diffs and repositories may be of different lengths', () => {
  for (const [stepInput, length] of [['diff', 4], ['state', 6], ['both', 10]] as const) {
    const uneven = evo({ input: 6, diff: 4, stepInput, width: 5, head: { hidden: 7, rank: 2, alpha: 4 } }, model), at = uneven.initial(3);
    assert.deepEqual(at[uneven.names.indexOf('step.weight')]!.shape, [length, 5]);
    const history = commits.map(({ diff, state }) => ({ diff: diff.slice(0, 4), state }));
    const made = adaptersAlong(uneven, at, [{ initial: history[0]!.state, commits: history, wanted: [1] }, { initial: history[0]!.state, commits: [], wanted: [] }], stepInput, false);
    const read = ({ diff, state }: Walk['commits'][number]) => row(Float32Array.from({ diff: [...diff], state: [...state], both: [...diff, ...state] }[stepInput]));
    const start = uneven.initialState(at, row(history[0]!.state)), after = history.slice(0, 2).reduce((h, commit) => uneven.step(at, h, read(commit)), start);
    const expected = flat(adapterTensors(uneven.head(at, tf.concat([after, start], 0))));
    flat(adapterTensors(made)).forEach((x, i) => { assert.ok(Math.abs(x - expected[i]!) < 1e-6); });
  }
});

test('gradients go through the window of wanted commits, and through none when detached', () => {
  const gradient = (wanted: number[], detachEvery: boolean) => {
    const f = (...p: Tensor[]) => adapterTensors(adaptersAlong(network, p, [walk(wanted)], 'diff', detachEvery))
      .reduce((sum: Tensor, t) => sum.add(t.slice([t.shape[0]! - 1, 0, 0], [1, -1, -1]).sum()), tf.scalar(0)).add(tf.addN(p.map((x) => x.sum())).mul(0));
    return tf.grads(f as never)(parameters)[network.names.indexOf('initial.weight')]!.abs().max().dataSync()[0]!;
  };
  assert.ok(gradient([0, 1, 2], false) > 0, 'a window from the first commit reaches the initial state');
  assert.equal(gradient([0, 1, 2], true), 0);
  assert.equal(gradient([1, 2], false), 0, 'a later window is cut off before its first commit');
});

test('with a short memory a state starts as what its commit says, and an eighth of the state before', () => {
  const short = evo({ input: 6, stepInput: 'diff', width: 5, memory: 'short', head: { hidden: 7, rank: 2, alpha: 4 } }, model);
  const values = short.initial(3), x = row(vector());
  const [one, other] = [row(vector()).slice([0, 0], [1, 5]), row(vector()).slice([0, 0], [1, 5])];
  const kept = short.step(values, one, x).sub(short.step(values, other, x)).div(one.sub(other)).dataSync();
  // Through the update gate, sigmoid(-2 + what PyTorch's start makes of the commit), and no other way: the same share of any state.
  kept.forEach((share) => { assert.ok(share > 0 && share < 0.4, `${share}`); });
  const again = short.step(values, other.mul(3), x).sub(short.step(values, one, x)).div(other.mul(3).sub(one)).dataSync();
  kept.forEach((share, i) => { assert.ok(Math.abs(share - again[i]!) < 1e-5); });
  assert.deepEqual(short.parameterCount, network.parameterCount);
});
