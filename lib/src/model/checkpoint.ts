/**
 * A model on disk as Hugging Face keeps it: config.json; model.safetensors, or its shards with an index; the names and
 * [out, in] matrices of Qwen2, Qwen3 and Llama. Other tools load nano-coder from the same folder. Or one GGUF file.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toArray, toTensor } from '../engine/arrays.js';
import { freeze, thaw } from '../engine/frozen.js';
import { trimMemory } from '../engine/kernels.js';
import { tf, tidy, type Tensor } from '../engine/tensorflow.js';
import { writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import { openSafetensors, writeSafetensors, type NamedArray } from '../store/safetensors.js';
import { weightFault } from '../store/weight-fault.js';
import { configJson, readConfig } from './config-json.js';
import type { ModelConfig } from './config.js';
import { isGguf, openGgufModel } from './gguf-model.js';
import type { StoredWeights } from './stored-weights.js';
import type { LayerWeights, Model } from './weights.js';

/** Its weights on disk: one file, or an index of several. */
export const WEIGHTS = 'model.safetensors', INDEX = 'model.safetensors.index.json';

/** A tensor on disk and how it becomes part of a weight in memory: transposed, and side by side with others. */
interface Part {
  name: string;
  shape: number[];
}

/** Which tensors on disk make up each weight of a layer, in order; matrices are transposed on the way. */
function layerParts(c: ModelConfig): Partial<Record<keyof LayerWeights, Part[]>> {
  const q = c.heads * c.headDim, kv = c.kvHeads * c.headDim;
  const attention = (name: string, ...shape: number[]): Part => ({ name: `self_attn.${name}`, shape });
  return {
    inputNorm: [{ name: 'input_layernorm.weight', shape: [c.hidden] }],
    qkv: [attention('q_proj.weight', q, c.hidden), attention('k_proj.weight', kv, c.hidden), attention('v_proj.weight', kv, c.hidden)],
    ...(c.family === 'qwen3' && { qNorm: [attention('q_norm.weight', c.headDim)], kNorm: [attention('k_norm.weight', c.headDim)] }),
    ...((c.family ?? 'qwen2') === 'qwen2' && { qkvBias: [attention('q_proj.bias', q), attention('k_proj.bias', kv), attention('v_proj.bias', kv)] }),
    o: [attention('o_proj.weight', c.hidden, q)],
    postNorm: [{ name: 'post_attention_layernorm.weight', shape: [c.hidden] }],
    gateUp: [{ name: 'mlp.gate_proj.weight', shape: [c.mlp, c.hidden] }, { name: 'mlp.up_proj.weight', shape: [c.mlp, c.hidden] }],
    down: [{ name: 'mlp.down_proj.weight', shape: [c.hidden, c.mlp] }],
  };
}

/** Writes config.json and model.safetensors in half precision. */
export function saveModel(folder: string, model: Model, metadata: Record<string, string> = {}): void {
  const c = model.config;
  const tensors = new Map<string, NamedArray>();
  tidy(() => {
    tensors.set('model.embed_tokens.weight', toArray(thaw(model.embed, true)));
    model.layers.forEach((w, i) => {
      for (const [key, parts] of Object.entries(layerParts(c))) {
        const weight = thaw(w[key as keyof LayerWeights]!);
        const pieces = tf.split(weight, parts.map((p) => p.shape[0]!), weight.rank - 1);
        parts.forEach((p, j) => tensors.set(`model.layers.${i}.${p.name}`, toArray(p.shape.length === 2 ? pieces[j]!.transpose() : pieces[j]!)));
      }
    });
    tensors.set('model.norm.weight', toArray(model.finalNorm));
    if (c.untied) tensors.set('lm_head.weight', toArray(thaw(model.head, true)));
  });
  writeSafetensors(join(folder, 'model.safetensors'), tensors, 'F16', { format: 'pt', ...metadata });
  writeFileAtomic(join(folder, 'config.json'), configJson(c));
}

/**
 * Reads a folder, or a GGUF file, tensor by tensor, frozen: no more than the model and a tensor or two is in memory. Matrices
 * that are bfloat16 on disk stay so.
 * Throws a UserError that names the file and the tensor when one is missing, misshapen, extra or not finite.
 */
export function loadModel(folder: string): Model {
  const stored = isGguf(folder) ? openGgufModel(folder) : undefined;
  const shape = stored?.config ?? readConfig(join(folder, 'config.json')), weights: StoredWeights = stored ?? openWeights(folder);
  // A model without output head, such as an encoder, is stored without the outer prefix.
  const bare = !weights.names.has('model.norm.weight') && weights.names.has('norm.weight');
  const { untied, ...tied } = shape;
  const config: ModelConfig = bare ? tied : shape;
  const prefix = bare ? '' : 'model.';
  const parts = Object.values(layerParts(config)).flat().map(({ name }) => name);
  const asked = new Set([
    `${prefix}embed_tokens.weight`, `${prefix}norm.weight`, ...(config.untied ? ['lm_head.weight'] : []),
    ...Array.from({ length: config.layers }, (_, i) => parts.map((name) => `${prefix}layers.${i}.${name}`)).flat(),
  ]);
  /** What outlives this function, but where it fails. */
  const kept: Tensor[] = [];
  const frozen = (...args: Parameters<typeof freeze>): Tensor => {
    const weight = freeze(...args);
    kept.push(weight);
    return weight;
  };
  const take = (name: string, expected: number[]): Tensor => {
    const found = weights.read(name);
    if (found.shape.join() !== expected.join()) throw new UserError(`${folder}: ${name} is [${found.shape}] where config.json says [${expected}].`);
    const fault = weightFault(found);
    if (fault) throw new UserError(`${folder}: ${name} ${fault}: the file is damaged, fetch it again.`);
    return toTensor(found);
  };
  try {
    const extra = [...weights.names].filter((name) => !asked.has(name));
    // A name that is lacking too is told first, when it is read.
    if (extra.length && [...asked].every((name) => weights.names.has(name))) throw new UserError(`${folder} holds tensors that its config.json does not ask for: ${extra.slice(0, 3).join(', ')}.`);
    return tidy((): Model => {
      const table = (name: string): Tensor => frozen(take(name, [config.vocabSize, config.hidden]), { transposed: true, half: weights.half(name) });
      const embed = table(`${prefix}embed_tokens.weight`);
      const layers = Array.from({ length: config.layers }, (_, i) => tidy(() => Object.fromEntries(
        Object.entries(layerParts(config)).map(([key, parts]) => {
          const tensors = parts.map((p) => take(`${prefix}layers.${i}.${p.name}`, p.shape));
          const turned = tensors.map((t) => (t.rank === 2 ? t.transpose() : t));
          const weight = turned.length > 1 ? tf.concat(turned, turned[0]!.rank - 1) : turned[0]!.clone();
          tf.dispose(tensors);
          return [key, frozen(weight, { half: parts.every((p) => weights.half(`${prefix}layers.${i}.${p.name}`)) })];
        })) as unknown as LayerWeights));
      const finalNorm = take(`${prefix}norm.weight`, [config.hidden]);
      const head = config.untied ? table('lm_head.weight') : embed;
      return { config, embed, layers, finalNorm, head };
    });
  } catch (error) {
    tf.dispose(kept);
    throw error;
  } finally {
    weights.close();
    // Matrices as they were read are larger than packed ones.
    trimMemory();
  }
}

/** One file, or the shards that model.safetensors.index.json lists. */
function openWeights(folder: string): StoredWeights {
  const single = join(folder, WEIGHTS), indexPath = join(folder, INDEX);
  const paths = existsSync(single) || !existsSync(indexPath) ? [single] : shardNames(indexPath).map((name) => join(folder, name));
  for (const path of paths) {
    if (!existsSync(path)) throw new UserError(`The model has no ${path}: restore it with "git checkout" or fetch it again.`);
  }
  const files = paths.map((path) => ({ path, file: openSafetensors(path) }));
  const owner = new Map(files.flatMap(({ path, file }) => [...file.entries.keys()].map((name) => [name, { path, file }] as const)));
  return {
    names: new Set(owner.keys()),
    read: (name) => {
      const found = owner.get(name);
      if (!found) throw new UserError(`${paths.join(', ')} lacks the tensor ${name}: fetch it again.`);
      return found.file.read(name);
    },
    half: (name) => owner.get(name)?.file.entries.get(name)?.dtype === 'BF16',
    close: () => {
      for (const { file } of files) file.close();
    },
  };
}

/** The files that an index lists, each once. Throws a UserError when it is none. */
export function shardNames(indexPath: string): string[] {
  try {
    const { weight_map: map } = JSON.parse(readFileSync(indexPath, 'utf8')) as { weight_map: Record<string, unknown> };
    const names = [...new Set(Object.values(map))];
    if (names.length && names.every((n): n is string => typeof n === 'string' && /^[\w.-]+\.safetensors$/.test(n))) return names;
  } catch {
    // Said below.
  }
  throw new UserError(`${indexPath} lists no shards of a model: fetch it again.`);
}
