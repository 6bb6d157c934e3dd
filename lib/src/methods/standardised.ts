/**
 * Methods whose input vectors are standardised store the constants with what they train: whoever reads a checkpoint has
 * no training vectors to fit them again.
 */
import { fromTensors, standardise, toTensors, type Standardiser, type Standardisers } from '../encoder/standardise.js';
import type { CommitInputs } from '../hypernet/unroll.js';
import type { NamedArray } from '../store/safetensors.js';
import type { Method, MethodInputs } from './method.js';

/** Stands before the constants' names in a checkpoint, which no parameter begins with: `standardiser.state.mean`. */
const PREFIX = 'standardiser.';
const KINDS = ['state', 'diff'] as const;

/** The vectors of repositories and of commits as a network reads them. */
export function reading({ state, diff }: Standardisers): {
  vector(repository: Float32Array): Float32Array;
  commit(inputs: CommitInputs): CommitInputs;
} {
  const by = (fitted: Standardiser | undefined, vector: Float32Array) => (fitted ? standardise(fitted, vector) : vector);
  return { vector: (v) => by(state, v), commit: (c) => ({ diff: by(diff, c.diff), state: by(state, c.state) }) };
}

/** The constants of a method: fitted to its inputs, and once, for principal components of many commits take seconds. */
export interface Fit {
  of(inputs: MethodInputs): Standardisers;
  /** Those that `of` gives from here on: what was trained with them must be read with them, whatever the vectors are now. */
  keep(inputs: MethodInputs, stored: Standardisers): void;
}

export function fittedOnce(fit: (inputs: MethodInputs) => Standardisers): Fit {
  const made = new WeakMap<MethodInputs, Standardisers>();
  const keep = (inputs: MethodInputs, constants: Standardisers) => { made.set(inputs, constants); };
  return {
    of: (inputs) => {
      if (!made.has(inputs)) keep(inputs, fit(inputs));
      return made.get(inputs)!;
    },
    keep,
  };
}

/** The same method; its trained values hold the constants too, and it answers with those. */
export function storing(method: Method, fit: Fit): Method {
  return {
    ...method,
    answers: (inputs, trained) => {
      fit.keep(inputs, trained!.standardisers);
      return method.answers(inputs, trained);
    },
    train: async (inputs, folder, progress) => {
      const made = await method.train!(inputs, folder, progress), fitted = fit.of(inputs);
      const constants = KINDS.flatMap((kind) =>
        [...(fitted[kind] ? toTensors(fitted[kind]) : [])].map(([name, array]) => [`${PREFIX}${kind}.${name}`, array] as const));
      return { ...made, values: new Map([...made.values, ...constants]) };
    },
  };
}

/** What a checkpoint holds: parameters, and the constants that `storing` has added. */
export function takeApart(values: ReadonlyMap<string, NamedArray>): { parameters: Map<string, NamedArray>; standardisers: Standardisers } {
  const under = (prefix: string) =>
    new Map([...values].flatMap(([name, array]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), array] as const] : [])));
  const standardisers: Standardisers = {};
  for (const kind of KINDS) {
    const tensors = under(`${PREFIX}${kind}.`);
    if (tensors.size) standardisers[kind] = fromTensors(tensors);
  }
  return { parameters: new Map([...values].filter(([name]) => !name.startsWith(PREFIX))), standardisers };
}
