/** Our parameters as the released checkpoints have them: PyTorch's names, as released.ts lists them, and matrices [out, in]. */
import type { EvoConfig } from '../../lib/dist/hypernet/evo.js';
import type { ReleasedDirect, ReleasedGru, State, StoredTensor } from '../../lib/dist/hypernet/released.js';
import type { StaticHeadConfig } from '../../lib/dist/hypernet/static-head.js';
import { projections, projectionShapes } from '../../lib/dist/lora/adapter.js';
import type { ModelConfig } from '../../lib/dist/model/config.js';

export function writeDirect(config: StaticHeadConfig, parameters: State, model: ModelConfig): ReleasedDirect {
  return { state_dict: renamed(parameters, headNames), config: headRecord(config, model), args: { lora_alpha: config.alpha } };
}

export function writeGru({ stepInput, width, head }: EvoConfig, parameters: State, model: ModelConfig): ReleasedGru {
  const inHead = [...parameters].filter(([n]) => n.startsWith('head.')).map(([n, t]) => [n.slice('head.'.length), t] as const);
  return {
    gru_state: renamed(new Map([...parameters].filter(([n]) => !n.startsWith('head.'))), gruNames),
    head_state: renamed(new Map(inHead), headNames),
    head_config: headRecord({ ...head, input: width }, model),
    args: { lora_alpha: head.alpha },
    per_step_input: { diff: 'diff', state: 'repo_state', both: 'concat' }[stepInput],
  };
}

const both = (ours: string, theirs: string): [string, string][] => ['weight', 'bias'].map((n) => [`${ours}.${n}`, `${theirs}.${n}`]);
const gruNames = new Map([
  ...both('step', 'diff_proj.0'), ...both('step.norm', 'diff_proj.1'),
  ...both('initial', 'repo_init_proj.0'), ...both('initial.norm', 'repo_init_proj.2'),
  ['gru.input.weight', 'gru.weight_ih_l0'], ['gru.input.bias', 'gru.bias_ih_l0'],
  ['gru.state.weight', 'gru.weight_hh_l0'], ['gru.state.bias', 'gru.bias_hh_l0'],
  ...both('norm', 'out_norm'),
]);
const headNames = new Map([
  ...both('trunk.0', 'trunk.0'), ...both('trunk.1', 'trunk.2'),
  ...projections.flatMap((p) => (['a', 'b'] as const).flatMap((k) => {
    const letter = k.toUpperCase();
    return [...both(`${p}.${k}`, `heads_${letter}.${p}`), [`${p}.${k}.scale`, `log_scale_${letter}.${p}`] as [string, string]];
  })),
]);

function renamed(parameters: State, names: ReadonlyMap<string, string>): Map<string, StoredTensor> {
  return new Map([...parameters].map(([ours, tensor]) => {
    const { shape, data } = tensor.read(), [rows, columns] = shape;
    const turned = columns === undefined ? data : Float32Array.from(data, (_, at) => data[(at % rows!) * columns + Math.floor(at / rows!)]!);
    const array = { shape: [...shape].reverse(), data: turned };
    return [names.get(ours)!, { shape: array.shape, read: () => array }];
  }));
}

function headRecord({ input, hidden, rank }: StaticHeadConfig, model: ModelConfig): Record<string, unknown> {
  const shapes = projectionShapes(model), types = [...projections].sort();
  return { input_dim: input, hidden_dim: hidden, rank, types, type_dims: Object.fromEntries(types.map((p) => [p, [shapes[p].in, shapes[p].out]])) };
}
