/** Code2LoRA-Evo over histories: the state is walked to each context's commit, with gradients over the last commits only. */
import { tf, tidy, type Tensor } from '../engine/tensorflow.js';
import type { Adapter } from '../lora/adapter.js';
import type { Evo, StepInput } from './evo.js';

/** What a step reads of one commit: the vectors of its diff and of the repository after it, each [d]. */
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
 * gradient, so back-propagation through time is truncated to the window the caller asks for.
 * @param detachEvery no gradient from one commit to the one before either, as in the authors' trainer
 */
export function adaptersAlong(evo: Evo, parameters: Tensor[], walks: readonly Walk[], stepInput: StepInput, detachEvery: boolean): Adapter {
  const input = (at: CommitInputs) => row(stepInput === 'both' ? [at.diff, at.state] : [at[stepInput]]);
  const states = walks.flatMap(({ initial, commits, wanted }) => {
    const first = wanted[0];
    if (first === undefined) return [evo.initialState(parameters, row([initial]))];
    const before = constant(() => commits.slice(0, first).reduce((h: Tensor, c) => evo.step(parameters, h, input(c)), evo.initialState(parameters, row([initial]))));
    // At the beginning of a history the initial state is part of what is learnt.
    let h = first === 0 ? evo.initialState(parameters, row([initial])) : before;
    const out: Tensor[] = [];
    for (let at = first; at <= wanted.at(-1)!; at++) {
      h = evo.step(parameters, detachEvery && at > first ? detach(h) : h, input(commits[at]!));
      if (wanted.includes(at)) out.push(h);
    }
    return out;
  });
  return evo.head(parameters, tf.concat(states, 0));
}

/** Vectors end to end as one row [1, d]. */
function row(parts: Float32Array[]): Tensor {
  return tf.tensor2d(parts.flatMap((p) => Array.from(p)), [1, parts.reduce((n, p) => n + p.length, 0)]);
}

/** A value computed off the tape, so that no gradient reaches what it was computed from. */
function constant(make: () => Tensor): Tensor {
  return tf.customGrad((...args: unknown[]) => {
    void args;
    return { value: tidy(make), gradFunc: (dy: Tensor) => [tf.zerosLike(dy)] };
  })(tf.scalar(0));
}

function detach(h: Tensor): Tensor {
  return tf.customGrad((x) => ({ value: (x as Tensor).clone(), gradFunc: (dy: Tensor) => tf.zerosLike(dy) }))(h);
}
