/**
 * Adapters as Hugging Face PEFT keeps them, a folder with adapter_config.json and adapter_model.safetensors, which
 * `PeftModel.from_pretrained` loads. PEFT knows no adapter shared over layers, so such a one is written out for each layer.
 */
import { join } from 'node:path';
import { toArray } from '../engine/arrays.js';
import type { ModelConfig } from '../model/config.js';
import { writeFileAtomic } from '../store/atomic.js';
import { writeSafetensors, type NamedArray } from '../store/safetensors.js';
import { ofLayer, projections, type Adapter, type Projection } from './adapter.js';

const SETTINGS = 'adapter_config.json', WEIGHTS = 'adapter_model.safetensors';
const MLP: ReadonlySet<Projection> = new Set(['gate_proj', 'up_proj', 'down_proj']);

const tensorName = (layer: number, p: Projection, factor: 'a' | 'b'): string =>
  `base_model.model.model.layers.${layer}.${MLP.has(p) ? 'mlp' : 'self_attn'}.${p}.lora_${factor.toUpperCase()}.weight`;

/**
 * Writes the adapter in f32.
 * @param adapter of one repository: A [r, in], B [out, r]
 * @param config of the model that it is for
 * @param baseName the model's folder or name on the hub, for the reader: PEFT loads the adapter onto any model given
 */
export function savePeft(folder: string, adapter: Adapter, config: ModelConfig, baseName: string): void {
  const { depth } = adapter, first = config.layers - depth, adapted = Array.from({ length: depth }, (_, i) => first + i);
  const entries = adapted.map((i) => {
    const layer = ofLayer(adapter.layers, i - first);
    return projections.flatMap((p) => (['a', 'b'] as const).map((k): [string, NamedArray] => [tensorName(i, p, k), toArray(layer[p][k])]));
  }).flat();
  // By name, as the safetensors library orders them: the file is then the same byte for byte.
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  writeSafetensors(join(folder, WEIGHTS), new Map(entries), 'F32', { format: 'pt' });
  writeFileAtomic(join(folder, SETTINGS), `${JSON.stringify({
    peft_type: 'LORA', task_type: 'CAUSAL_LM', base_model_name_or_path: baseName,
    r: adapter.rank, lora_alpha: adapter.alpha, lora_dropout: 0, target_modules: projections, bias: 'none',
    fan_in_fan_out: false, init_lora_weights: true, use_rslora: false, use_dora: false, modules_to_save: null,
    layers_to_transform: first === 0 ? null : adapted, rank_pattern: {}, alpha_pattern: {}, inference_mode: true,
  }, null, 2)}\n`);
}
