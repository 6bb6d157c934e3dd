/** The networks as they are used after training: vectors of one repository in, its adapter out. */
import { toRows, toTensor } from '../../engine/arrays.js';
import { tf, tidy, type Tensor } from '../../engine/tensorflow.js';
import { evo, evoParameters, type EvoConfig } from '../../hypernet/evo.js';
import type { Parameter } from '../../hypernet/layers.js';
import type { State } from '../../hypernet/released.js';
import { headParameters, staticHead, type StaticHeadConfig } from '../../hypernet/static-head.js';
import { inputOf, type CommitInputs } from '../../hypernet/unroll.js';
import { inOne, single, type Adapter } from '../../lora/adapter.js';
import type { ModelConfig } from '../../model/config.js';
import { UserError } from '../../store/errors.js';
import { weightFault } from '../../store/weight-fault.js';

export interface Writer {
  /** Which vector of a commit `write` reads; absent where it reads none. */
  stepInput?: EvoConfig['stepInput'];
  /**
   * The adapter of a repository, owned by the caller.
   * @param repository its vector [d]; with commits, that at the first of them
   */
  write(repository: Float32Array, commits: readonly CommitInputs[]): Adapter;
  dispose(): void;
}

/** @param path what to call the checkpoint. Throws a UserError when its parameters are not those of this network. */
export function staticWriter(path: string, config: StaticHeadConfig, state: State, model: ModelConfig): Writer {
  const network = staticHead(config, model), parameters = tensors(path, headParameters(config, model), state);
  return {
    write: (repository) => single(() => inOne(network.apply(parameters, toRows([repository])))),
    dispose: () => tf.dispose(parameters),
  };
}

/**
 * As `staticWriter`, for Evo. One step after another, so that memory does not grow with the history.
 * @param trainedOnCommits false where it saw initial states only: its recurrent part is then as it was at the start
 */
export function evoWriter(path: string, config: EvoConfig, state: State, model: ModelConfig, trainedOnCommits: boolean): Writer {
  const network = evo(config, model), parameters = tensors(path, evoParameters(config, model), state);
  return {
    ...(trainedOnCommits && { stepInput: config.stepInput }),
    write: (repository, commits) => {
      let h = tidy(() => network.initialState(parameters, toRows([repository])));
      for (const commit of commits) {
        const before = h;
        h = tidy(() => network.step(parameters, before, toRows([inputOf(commit, config.stepInput)])));
        before.dispose();
      }
      const adapter = single(() => inOne(network.head(parameters, h)));
      h.dispose();
      return adapter;
    },
    dispose: () => tf.dispose(parameters),
  };
}

/** The parameters in a network's order. */
function tensors(path: string, parameters: readonly Parameter[], state: State): Tensor[] {
  for (const { name, shape } of parameters) {
    const found = state.get(name)?.shape;
    if (found?.join() !== shape.join()) {
      throw new UserError(`${path} does not fit this frozen model: ${name} is ${found ? `[${found}]` : 'missing'}, expected [${shape}]. ` +
        'Give the model that it was trained for with --base.');
    }
  }
  const made: Tensor[] = [];
  try {
    for (const { name } of parameters) {
      const array = state.get(name)!.read(), fault = weightFault(array);
      if (fault) throw new UserError(`${path}: ${name} ${fault}: the file is damaged, fetch it again or train it again.`);
      made.push(toTensor(array));
    }
    return made;
  } catch (error) {
    tf.dispose(made);
    throw error;
  }
}
