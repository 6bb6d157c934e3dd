/**
 * The released checkpoints, code2lora-direct (a static head) and code2lora-gru (Evo), to our parameters.
 *
 * PyTorch stores weights of linear layers [out, in], ours are [in, out]. Its names are those of the modules that the
 * formulas suggest; a name is recognised by what it says, so other spellings of the same modules are read too:
 *
 *   written                            recognised by                                                  ours
 *   trunk.0, trunk.2  .weight .bias    the two modules without a projection's name, in their order    trunk.0, trunk.1
 *   heads_A.q_proj    .weight .bias    a projection's name, the letter A or B, weight or bias         q_proj.a
 *   log_scale_A.q_proj                 a projection's name, the letter, "scale"                       q_proj.a.scale
 *   diff_proj.0, .1   .weight .bias    "diff", "step" or "input"; a matrix is Linear, a vector Norm   step, step.norm
 *   repo_init_proj.0, .2               "init"; likewise                                               initial, initial.norm
 *   gru.weight_ih_l0, gru.bias_hh_l0   "weight_ih", "bias_hh", ...                                    gru.input, gru.state
 *   out_norm          .weight .bias    "norm" or "ln"                                                 norm
 *
 * Every shape is compared; whatever is missing, unknown or misshapen is named.
 */
import type { ModelConfig } from '../model/config.js';
import { UserError } from '../store/errors.js';
import type { NamedArray } from '../store/safetensors.js';
import { recurrentParameters, type EvoConfig, type StepInput } from './evo.js';
import type { Parameter } from './layers.js';
import { headParameters, type StaticHeadConfig } from './static-head.js';

/** A tensor that is read when it is needed: the head alone holds 2.7 GB. */
export interface StoredTensor {
  shape: readonly number[];
  read(): NamedArray;
}
export type State = ReadonlyMap<string, StoredTensor>;

/** code2lora-direct: one file. */
export interface ReleasedDirect {
  state_dict: State;
  config: Record<string, unknown>;
  args: Record<string, unknown>;
}
/** code2lora-gru: one file. */
export interface ReleasedGru {
  gru_state: State;
  head_state: State;
  head_config: Record<string, unknown>;
  args: Record<string, unknown>;
  per_step_input: string;
}

/**
 * @param model the frozen model that the adapters are for
 * @returns the network's configuration, and its parameters under our names, in our order and layout
 * @throws UserError naming every tensor that does not fit
 */
export function readDirect(file: ReleasedDirect, model: ModelConfig): { config: StaticHeadConfig; parameters: State } {
  const name = 'code2lora-direct', state = file.state_dict;
  const config = readHeadConfig(name, state, file.config, file.args);
  return { config, parameters: matched(name, state, headRole(state), headParameters(config, model)) };
}

/** As `readDirect`, for Evo. */
export function readGru(file: ReleasedGru, model: ModelConfig): { config: EvoConfig; parameters: State } {
  const name = 'code2lora-gru';
  const stepInput = stepInputs[file.per_step_input];
  if (!stepInput) {
    throw new UserError(`${name}: per_step_input is "${file.per_step_input}"; known are ${Object.keys(stepInputs).join(', ')}.`);
  }
  const { input: width, ...head } = readHeadConfig(name, file.head_state, file.head_config, file.args);
  const roles = gruRole(file.gru_state);
  const initial = [...file.gru_state].find(([n]) => roles(n) === 'initial.weight')?.[1];
  if (!initial) {
    throw new UserError(`${name}: gru_state has no matrix with "init" in its name. It holds ${list(file.gru_state.keys())}.`);
  }
  const config: EvoConfig = { input: initial.shape[1]!, stepInput, width, head };
  const inHead = headParameters({ ...head, input: width }, model);
  const headState = matched(`${name}, head_state`, file.head_state, headRole(file.head_state), inHead);
  return {
    config,
    parameters: new Map([
      ...matched(`${name}, gru_state`, file.gru_state, roles, recurrentParameters(config)),
      ...[...headState].map(([n, t]) => [`head.${n}`, t] as const),
    ]),
  };
}

const stepInputs: Record<string, StepInput> = { diff: 'diff', repo_state: 'state', concat: 'both' };

/** What a tensor of the head is to us; undefined for a stranger. */
function headRole(state: State): (name: string) => string | undefined {
  const trunk = [...new Set([...state.keys()].filter((n) => !projectionIn.test(n)).map(moduleOf))];
  return (name) => {
    const projection = projectionIn.exec(name)?.[0];
    const kind = /scale/i.test(name) ? 'scale' : kindOf(name);
    if (!projection) {
      const layer = trunk.indexOf(moduleOf(name));
      return layer < 2 && kind && kind !== 'scale' ? `trunk.${layer}.${kind}` : undefined;
    }
    const factor = /(?<![A-Za-z])[ABab](?![A-Za-z])/.exec(name.replace(projection, ''))?.[0].toLowerCase();
    return factor && kind && `${projection}.${factor}.${kind}`;
  };
}
const projectionIn = /(?<![a-z])(?:q|k|v|o|gate|up|down)_proj(?![a-z])/;

/** What a tensor of the recurrent part is to us. */
function gruRole(state: State): (name: string) => string | undefined {
  return (name) => {
    const kind = kindOf(name);
    const gate = /(weight|bias)_(ih|hh)/.exec(name);
    if (gate) return `gru.${gate[2] === 'ih' ? 'input' : 'state'}.${gate[1]}`;
    if (!kind) return undefined;
    const projected = /init/.test(name) ? 'initial' : /diff|step|input/.test(name) ? 'step' : undefined;
    if (!projected) return /norm|ln/.test(name) ? `norm.${kind}` : undefined;
    const matrix = state.get(`${moduleOf(name)}.weight`)?.shape.length === 2;
    return `${projected}.${matrix ? '' : 'norm.'}${kind}`;
  };
}

const moduleOf = (name: string): string => name.replace(/\.[^.]*$/, '');
const kindOf = (name: string): string | undefined => /\.(weight|bias)$/.exec(name)?.[1];

/** Their tensors by our parameters; everything that does not fit is said at once. */
function matched(what: string, state: State, role: (name: string) => string | undefined, parameters: Parameter[]): State {
  const wanted = new Map(parameters.map((p) => [p.name, p]));
  const found = new Map<string, string>();
  const wrong: string[] = [];
  for (const [name, { shape }] of state) {
    const ours = role(name);
    const parameter = ours === undefined ? undefined : wanted.get(ours);
    if (!parameter || ours === undefined) wrong.push(`${name} [${shape}] is not a part of this network`);
    else if (found.has(ours)) wrong.push(`${name} and ${found.get(ours)} both look like ${ours}`);
    else {
      found.set(ours, name);
      const expected = [...parameter.shape].reverse();
      const fits = expected.length ? expected.join() === shape.join() : shape.every((d) => d === 1);
      if (!fits) wrong.push(`${name} is [${shape}], expected [${expected}]`);
    }
  }
  for (const { name, shape } of parameters) {
    if (!found.has(name)) wrong.push(`${name} [${[...shape].reverse()}] is missing`);
  }
  if (wrong.length) {
    throw new UserError(`${what} does not fit this model: ${wrong.slice(0, 12).join('; ')}` +
      `${wrong.length > 12 ? `; and ${wrong.length - 12} more` : ''}. Check that file and base model belong together.`);
  }
  return new Map(parameters.map((p) => [p.name, transposed(state.get(found.get(p.name)!)!, p.shape)]));
}

/** Matrices are turned when they are read; anything else takes the shape it is wanted in. */
function transposed(tensor: StoredTensor, shape: number[]): StoredTensor {
  if (shape.length !== 2) return { shape, read: () => ({ ...tensor.read(), shape }) };
  const [rows, columns] = shape as [number, number];
  return {
    shape,
    read() {
      const { data } = tensor.read();
      const out = new Float32Array(data.length);
      // In tiles: the larger matrices have 147 million values, and a whole column would leave the cache.
      for (let r0 = 0; r0 < rows; r0 += TILE) {
        for (let c0 = 0; c0 < columns; c0 += TILE) {
          for (let r = r0; r < Math.min(rows, r0 + TILE); r++) {
            for (let c = c0; c < Math.min(columns, c0 + TILE); c++) out[r * columns + c] = data[c * rows + r]!;
          }
        }
      }
      return { shape, data: out };
    },
  };
}
const TILE = 32;

/** Widths are read from the tensors, rank and alpha from the records beside them; alpha is twice the rank if unsaid. */
function readHeadConfig(
  what: string, state: State, config: Record<string, unknown>, args: Record<string, unknown>,
): StaticHeadConfig {
  const number = (...keys: string[]) => keys.flatMap((k) => [config[k], args[k]]).find((x) => typeof x === 'number');
  const rank = number('rank', 'lora_rank', 'lora_r', 'r');
  if (rank === undefined) throw new UserError(`${what}: its config names no rank. It holds ${list(Object.keys(config))}.`);
  const alpha = number('alpha', 'lora_alpha') ?? 2 * rank;
  if (!(Number.isInteger(rank) && rank > 0 && Number.isFinite(alpha))) throw new UserError(`${what}: its config has rank ${rank} and alpha ${alpha}, which no adapter can have: fetch it again.`);
  const role = headRole(state);
  const first = [...state].find(([n]) => role(n) === 'trunk.0.weight')?.[1];
  if (first?.shape.length !== 2) throw new UserError(`${what}: no trunk was found. It holds ${list(state.keys())}.`);
  const [hidden, input] = first.shape as readonly [number, number];
  for (const [key, value] of [['input_dim', input], ['hidden_dim', hidden]] as const) {
    if (key in config && config[key] !== value) throw new UserError(`${what}: config says ${key} ${config[key]}, its tensors ${value}.`);
  }
  return { input, hidden, rank, alpha };
}

function list(names: Iterable<string>): string {
  const all = [...names];
  return `${all.slice(0, 12).join(', ')}${all.length > 12 ? `, and ${all.length - 12} more` : ''}`;
}
