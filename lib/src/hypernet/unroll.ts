/** Code2LoRA-Evo over histories: the state is walked to each context's commit, with gradients over the last commits only. */
import { toRows } from '../engine/arrays.js';
import { tf, tidy, type Tensor } from '../engine/tensorflow.js';
import type { Adapter } from '../lora/adapter.js';
import type { Evo, StepInput } from './evo.js';

/** What a step reads of one commit: the vectors of its diff and of the repository after it. */
export interface CommitInputs {
  diff: Float32Array;
  state: Float32Array;
}

/** Adapters are wanted after the commits `wanted` of a history, positions in increasing order; none means its initial state. */
export interface Walk {
  /** The repository at the first commit, [d]. */
  initial: Float32Array;
  commits: readonly CommitInputs[];
  wanted: readonly number[];
}

/**
 * The adapters of all wanted commits, walk by walk, batched. A state is stepped with a commit's own input before the
 * adapter for that commit is written (paper §3.3). The part before a walk's first wanted commit is stepped without
 * gradient, so back-propagation through time is truncated to the window the caller asks for. All walks step together,
 * one row each; a walk that has nothing to do keeps its state.
 * @param detachEvery no gradient from one commit to the one before either, as in the authors' trainer
 */
export function adaptersAlong(evo: Evo, parameters: Tensor[], walks: readonly Walk[], stepInput: StepInput, detachEvery: boolean): Adapter {
  const firsts = walks.map((w) => w.wanted[0] ?? 0);
  const stepAll = (h: Tensor, commit: (walk: number) => number | undefined): Tensor => {
    const at = walks.map((w, i) => { const c = commit(i); return c === undefined ? undefined : w.commits[c]!; });
    const read = at.map((c) => c && inputOf(c, stepInput)), width = read.find(Boolean)!.length;
    const next = evo.step(parameters, h, toRows(read.map((vector) => vector ?? new Float32Array(width))));
    return at.every(Boolean) ? next : choose(at.map(Boolean), next, h);
  };

  const initial = evo.initialState(parameters, toRows(walks.map((w) => w.initial)));
  // Where a window begins at the history's first commit, the initial state is part of what is learnt.
  let h = firsts.every((f) => f === 0) ? initial : choose(firsts.map((f) => f === 0), initial, constant(() => {
    let before = initial;
    for (let t = 0; t < Math.max(...firsts); t++) before = stepAll(before, (i) => (t < firsts[i]! ? t : undefined));
    return before.clone();
  }));
  // Row w of state k is walk w after the k-th commit of its window; the first state is before any commit.
  const states = [initial];
  for (let k = 0; walks.some((w, i) => firsts[i]! + k <= (w.wanted.at(-1) ?? -1)); k++) {
    h = stepAll(detachEvery && k ? detach(h) : h, (i) => (firsts[i]! + k <= (walks[i]!.wanted.at(-1) ?? -1) ? firsts[i]! + k : undefined));
    states.push(h);
  }
  const picked = walks.flatMap((w, i) => (w.wanted.length ? w.wanted.map((c) => (c - firsts[i]! + 1) * walks.length + i) : [i]));
  return evo.head(parameters, tf.gather(tf.concat(states, 0), tf.tensor1d(picked, 'int32')));
}

/** The vector that a step reads of a commit. */
export function inputOf({ diff, state }: CommitInputs, stepInput: StepInput): Float32Array {
  if (stepInput !== 'both') return stepInput === 'diff' ? diff : state;
  const out = new Float32Array(diff.length + state.length);
  out.set(diff);
  out.set(state, diff.length);
  return out;
}

/** The rows of `yes` where told so, else those of `no`. */
function choose(which: readonly boolean[], yes: Tensor, no: Tensor): Tensor {
  const mask = tf.tensor2d(which.map(Number), [which.length, 1]);
  return yes.mul(mask).add(no.mul(tf.sub(1, mask)));
}

/** A value computed off the tape, so that no gradient reaches what it was computed from. */
function constant(make: () => Tensor): Tensor {
  return tf.customGrad((x) => ({ value: tidy(make), gradFunc: () => tf.zerosLike(x as Tensor) }))(tf.scalar(0));
}

function detach(h: Tensor): Tensor {
  return tf.customGrad((x) => ({ value: (x as Tensor).clone(), gradFunc: (dy: Tensor) => tf.zerosLike(dy) }))(h);
}
