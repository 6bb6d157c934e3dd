/** Plain LoRA out of a folder of PEFT's, to compare what savePeft writes, and what PEFT computes, with ours. One entry a layer. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toTensor } from '../../lib/dist/engine/arrays.js';
import { mapLayer, projections, projectionShapes, type Adapter } from '../../lib/dist/lora/adapter.js';
import type { ModelConfig } from '../../lib/dist/model/config.js';
import { readSafetensors, type NamedArray } from '../../lib/dist/store/safetensors.js';

export function loadPeft(folder: string, config: ModelConfig): Adapter {
  const { r: rank, lora_alpha: alpha, target_modules: targets, layers_to_transform: only } = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8')) as
    { r: number; lora_alpha: number; target_modules: string[]; layers_to_transform: number[] | null };
  const { tensors } = readSafetensors(join(folder, 'adapter_model.safetensors')), shapes = projectionShapes(config);
  const layers = Array.from({ length: config.layers }, (_, i) => mapLayer((p, k) => {
    const part = ['gate_proj', 'up_proj', 'down_proj'].includes(p) ? 'mlp' : 'self_attn';
    const name = `base_model.model.model.layers.${i}.${part}.${p}.lora_${k.toUpperCase()}.weight`, found = tensors.get(name);
    tensors.delete(name);
    const shape = k === 'a' ? [rank, shapes[p].in] : [shapes[p].out, rank];
    if (!found && (targets.includes(p) && (only ?? [i]).includes(i))) throw new Error(`no ${name}`);
    if (found && found.shape.join() !== shape.join()) throw new Error(`${name} is [${found.shape}], not [${shape}]`);
    // What an adapter leaves alone gets factors of zeros.
    return toTensor(found ?? { shape, data: new Float32Array(shape[0]! * shape[1]!) } satisfies NamedArray);
  }));
  if (tensors.size) throw new Error(`left over: ${[...tensors.keys()].join(', ')} of ${projections.join(', ')}`);
  return { rank, alpha, depth: config.layers, layers };
}
