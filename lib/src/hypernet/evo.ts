/**
 * Code2LoRA-Evo (paper §3.3): a state that follows a repository through its commits, and the static head on it.
 *
 *   h0 = LayerNorm(GELU(W e0 + b)), e0 the repository vector at the first commit
 *   h_t = GRU(LayerNorm(W x_t + b), h_{t-1}), x_t the vector of commit t
 *   adapter_t = head(LayerNorm(h_t))
 *
 * The parts are separate so that a trainer can unroll as many commits as it likes and detach the state between them.
 */
import type { Tensor } from '../engine/tensorflow.js';
import type { Adapter } from '../lora/adapter.js';
import type { ModelConfig } from '../model/config.js';
import {
  applyGru, applyLayerNorm, applyLinear, gelu, gru, layerNorm, linear, network, type Network, type Parameter, type Values,
} from './layers.js';
import { headAdapter, headParameters, type StaticHeadConfig } from './static-head.js';

/** What a step reads of a commit: the vector of its diff, of the repository after it, or the first then the second. */
export type StepInput = 'diff' | 'state' | 'both';

/** The paper's width multiplier m scales `width` (2048 m) and the head's `hidden` (1024 m), not `input`. */
export interface EvoConfig {
  /** Length d of a repository's vector. */
  input: number;
  /** Length of a diff's vector where it is another: repositories may be pooled in other ways than the windows of a diff. */
  diff?: number;
  stepInput: StepInput;
  /** Width of the state h. */
  width: number;
  /** What the GRU keeps at the start: layers.ts. */
  memory?: 'short';
  /** The head on the state; its input is `width`. */
  head: Omit<StaticHeadConfig, 'input'>;
}

export interface Evo extends Network {
  /** Repository vectors [R, d] at the first commit -> states [R, width]. */
  initialState(parameters: Tensor[], repositories: Tensor): Tensor;
  /** States [R, width] and what a step reads of commits, one row each -> the next states. */
  step(parameters: Tensor[], state: Tensor, commits: Tensor): Tensor;
  /** States [R, width] -> the adapters of R repositories, batched. */
  head(parameters: Tensor[], state: Tensor): Adapter;
}

export function evo(config: EvoConfig, model: ModelConfig): Evo {
  const head = headConfig(config);
  const { network: base, values } = network(evoParameters(config, model));
  return {
    ...base,
    initialState(parameters, repositories) {
      const at = values(parameters);
      return applyLayerNorm(at, 'initial.norm', gelu(applyLinear(at, 'initial', repositories)));
    },
    step(parameters, state, commits) {
      const at = values(parameters);
      return applyGru(at, 'gru', applyLayerNorm(at, 'step.norm', applyLinear(at, 'step', commits)), state);
    },
    head(parameters, state) {
      const at = values(parameters);
      const inHead: Values = (name) => at(`head.${name}`);
      return headAdapter(inHead, applyLayerNorm(at, 'norm', state), head, model);
    },
  };
}

const headConfig = ({ head, width }: EvoConfig): StaticHeadConfig => ({ ...head, input: width });

/** The recurrent part, then the head's parameters, whose names begin with `head.`. */
export function evoParameters(config: EvoConfig, model: ModelConfig): Parameter[] {
  return [
    ...recurrentParameters(config),
    ...headParameters(headConfig(config), model).map((p) => ({ ...p, name: `head.${p.name}` })),
  ];
}

/** All but the head. */
export function recurrentParameters({ input, diff = input, stepInput, width, memory }: EvoConfig): Parameter[] {
  return [
    ...linear('step', { diff, state: input, both: diff + input }[stepInput], width), ...layerNorm('step.norm', width),
    ...linear('initial', input, width), ...layerNorm('initial.norm', width),
    ...gru('gru', width, width, memory),
    ...layerNorm('norm', width),
  ];
}
