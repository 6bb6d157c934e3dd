/**
 * Adapters as Hugging Face PEFT keeps them, a folder with adapter_config.json and adapter_model.safetensors: what we
 * write, `PeftModel.from_pretrained` loads, and plain LoRA that PEFT has written is read here. PEFT knows no adapter
 * shared over layers, so such a one is written out for each layer.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toArray, toTensor } from '../engine/arrays.js';
import type { ModelConfig } from '../model/config.js';
import { writeFileAtomic } from '../store/atomic.js';
import { reasonOf, UserError } from '../store/errors.js';
import { readSafetensors, writeSafetensors, type NamedArray } from '../store/safetensors.js';
import { mapLayer, ofLayer, projections, projectionShapes, type Adapter, type Projection } from './adapter.js';

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

/**
 * Reads an adapter, one entry a layer. Projections and layers that it leaves alone get factors of zeros.
 * @throws UserError naming the file and the setting or tensor when something is absent, extra, misshapen, not finite,
 * or more than plain LoRA.
 */
export function loadPeft(folder: string, config: ModelConfig): Adapter {
  const { rank, alpha, targets, adapted } = readSettings(join(folder, SETTINGS));
  const path = join(folder, WEIGHTS);
  if (!existsSync(path)) throw new UserError(`The adapter has no ${path}: copy it from where the adapter was saved.`);
  const { tensors } = readSafetensors(path);
  const shapes = projectionShapes(config);
  const take = (layer: number, p: Projection, factor: 'a' | 'b'): NamedArray => {
    const shape = factor === 'a' ? [rank, shapes[p].in] : [shapes[p].out, rank];
    if (!targets.has(p) || (adapted && !adapted.has(layer))) return { shape, data: new Float32Array(shape[0]! * shape[1]!) };
    const name = tensorName(layer, p, factor), found = tensors.get(name);
    if (!found) throw new UserError(`${path} lacks the tensor ${name}: the adapter is not whole, or for another model.`);
    if (found.shape.join() !== shape.join()) {
      throw new UserError(`${path}: ${name} is [${found.shape}] where the model and the rank ask for [${shape}]: load the model that the adapter is for.`);
    }
    if (!found.data.every(Number.isFinite)) throw new UserError(`${path}: ${name} holds values that are not finite: the adapter is damaged, save it again.`);
    tensors.delete(name);
    return found;
  };
  const layers = Array.from({ length: config.layers }, (_, i) =>
    Object.fromEntries(projections.map((p) => [p, { a: take(i, p, 'a'), b: take(i, p, 'b') }])) as Record<Projection, Record<'a' | 'b', NamedArray>>);
  if (tensors.size) {
    throw new UserError(`${path} holds tensors that its ${SETTINGS} or the model has no place for: ${[...tensors.keys()].slice(0, 3).join(', ')}.`);
  }
  return { rank, alpha, depth: config.layers, layers: layers.map((arrays) => mapLayer((p, k) => toTensor(arrays[p][k]))) };
}

/** Settings that say nothing about what a loaded adapter computes. */
const IRRELEVANT = new Set([
  'peft_version', 'auto_mapping', 'base_model_name_or_path', 'revision', 'inference_mode', 'task_type', 'lora_dropout', 'layers_pattern',
  'exclude_modules', 'ensure_weight_tying', 'megatron_core', 'qalora_group_size', 'eva_config',
]);
/** Other ways to initialise change the base model's weights too. */
const INITIALISATIONS: unknown[] = [undefined, true, false, 'gaussian', 'orthogonal', 'eva'];

const isUnset = (value: unknown): boolean =>
  value === null || value === false || value === 'none' || (typeof value === 'object' && Object.keys(value).length === 0);

function readSettings(path: string): { rank: number; alpha: number; targets: ReadonlySet<string>; adapted?: ReadonlySet<number> } {
  if (!existsSync(path)) throw new UserError(`There is no adapter of PEFT: ${path} is missing.`);
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    throw new UserError(`${path} is not JSON (${reasonOf(error)}): save the adapter again.`);
  }
  const { peft_type: type, r: rank, lora_alpha: alpha, target_modules: targets, init_lora_weights: initial, layers_to_transform: layers, ...others } = json;
  const refuse = (name: string, value: unknown): never => {
    throw new UserError(`${path}: ${name} is ${JSON.stringify(value)}, and only plain LoRA is read here. ` +
      'Merge the adapter with merge_and_unload of peft and load the merged model instead.');
  };
  if (type !== 'LORA') refuse('peft_type', type);
  if (!INITIALISATIONS.includes(initial)) refuse('init_lora_weights', initial);
  for (const [name, value] of Object.entries(others)) {
    if (!IRRELEVANT.has(name) && !isUnset(value)) refuse(name, value);
  }
  if (typeof rank !== 'number' || !Number.isInteger(rank) || rank < 1) throw new UserError(`${path}: r is ${JSON.stringify(rank)}, not a rank.`);
  if (typeof alpha !== 'number' || !Number.isFinite(alpha)) throw new UserError(`${path}: lora_alpha is ${JSON.stringify(alpha)}, not a number.`);
  if (!Array.isArray(targets) || !targets.length || !targets.every((t) => (projections as readonly unknown[]).includes(t))) {
    throw new UserError(`${path}: target_modules is ${JSON.stringify(targets)}, and only a list of these is read here: ${projections.join(', ')}.`);
  }
  const chosen = typeof layers === 'number' ? [layers] : layers ?? undefined;
  if (chosen !== undefined && !(Array.isArray(chosen) && chosen.every(Number.isInteger))) {
    throw new UserError(`${path}: layers_to_transform is ${JSON.stringify(layers)}, not a list of layers.`);
  }
  return { rank, alpha, targets: new Set(targets as string[]), ...(chosen && { adapted: new Set(chosen as number[]) }) };
}
