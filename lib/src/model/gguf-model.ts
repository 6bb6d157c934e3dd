/**
 * A model in a GGUF file: its architecture's metadata as a config, and its tensors by Hugging Face's names. llama.cpp turns
 * the rows of Llama's query and key matrices so that RoPE's pairs lie beside each other; they are turned back here.
 */
import { UserError } from '../store/errors.js';
import { type GgufFile, openGguf } from '../store/gguf/gguf.js';
import type { NamedArray } from '../store/safetensors.js';
import { checkShape, type ModelConfig } from './config.js';
import type { StoredWeights } from './stored-weights.js';

export const isGguf = (path: string): boolean => path.endsWith('.gguf');

const FAMILIES = ['qwen2', 'qwen3', 'llama'] as const;

/** Their names without the block's number, `blk.3.` and `model.layers.3.`. */
const IN_BLOCK: Record<string, string> = {
  'attn_norm': 'input_layernorm', 'attn_q': 'self_attn.q_proj', 'attn_k': 'self_attn.k_proj', 'attn_v': 'self_attn.v_proj', 'attn_output': 'self_attn.o_proj',
  'attn_q_norm': 'self_attn.q_norm', 'attn_k_norm': 'self_attn.k_norm', 'ffn_norm': 'post_attention_layernorm', 'ffn_gate': 'mlp.gate_proj', 'ffn_up': 'mlp.up_proj', 'ffn_down': 'mlp.down_proj',
};
const OUTSIDE: Record<string, string> = { 'token_embd.weight': 'model.embed_tokens.weight', 'output_norm.weight': 'model.norm.weight', 'output.weight': 'lm_head.weight' };

/** @throws UserError in one line: the file is not whole, or of an architecture or with settings that are not built here */
export function openGgufModel(path: string): StoredWeights & { config: ModelConfig } {
  const file = openGguf(path);
  try {
    const config = readGgufConfig(file);
    const names = new Map([...file.tensors.keys()].flatMap((stored): [string, string][] => {
      if (stored === 'rope_freqs.weight') throw new UserError(`${path} scales RoPE by stored factors, which is not built here: choose another model.`);
      return [[hubName(stored), stored]];
    }));
    return {
      config, names: new Set(names.keys()), close: file.close,
      half: (name) => file.tensors.get(names.get(name) ?? '')?.format.name === 'BF16',
      read: (name) => {
        const found = file.read(names.get(name) ?? name);
        if (config.family !== 'llama') return found;
        const heads = name.endsWith('q_proj.weight') ? config.heads : name.endsWith('k_proj.weight') ? config.kvHeads : 0;
        return heads ? turnedBack(found, heads) : found;
      },
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

function hubName(stored: string): string {
  const [, block, what, kind] = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(stored) ?? [];
  const inBlock = what === undefined ? undefined : IN_BLOCK[what];
  return inBlock ? `model.layers.${block}.${inBlock}.${kind}` : OUTSIDE[stored] ?? stored;
}

/** Rows of a head as halves: row 2i is of the first half, row 2i + 1 of the second. */
function turnedBack({ shape, data }: NamedArray, heads: number): NamedArray {
  const [rows, width] = shape as [number, number], dim = rows / heads, out = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    const head = Math.floor(row / dim), at = row % dim, to = head * dim + (at % 2) * (dim / 2) + (at >> 1);
    out.set(data.subarray(row * width, (row + 1) * width), to * width);
  }
  return { shape, data: out };
}

function readGgufConfig({ path, metadata, tensors }: GgufFile): ModelConfig {
  const refuse = (what: string): never => { throw new UserError(`${path}: ${what}. ${FAMILIES.join(', ')} models are read here.`); };
  const family = FAMILIES.find((one) => one === metadata.get('general.architecture')) ?? refuse(`is of the architecture ${JSON.stringify(metadata.get('general.architecture') ?? null)}`);
  const number = (name: string, fallback?: number): number => {
    const value = metadata.get(`${family}.${name}`) ?? fallback;
    return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : refuse(`has no positive number ${family}.${name}`);
  };
  // A factor without a type is of a linear one.
  const factor = metadata.get(`${family}.rope.scaling.factor`) ?? metadata.get(`${family}.rope.scale_linear`) ?? 1;
  const scaling = metadata.get(`${family}.rope.scaling.type`) ?? (factor === 1 ? 'none' : 'linear');
  if (scaling !== 'none') refuse(`asks for RoPE scaling of type ${JSON.stringify(scaling)}, which is not built`);
  const hidden = number('embedding_length'), heads = number('attention.head_count');
  const config: ModelConfig = {
    vocabSize: tensors.get('token_embd.weight')?.shape[0] ?? refuse('has no tensor token_embd.weight'), hidden, layers: number('block_count'),
    heads, kvHeads: number('attention.head_count_kv', heads), headDim: number('attention.key_length', hidden / heads), mlp: number('feed_forward_length'),
    ropeTheta: number('rope.freq_base', 10_000), rmsEps: number('attention.layer_norm_rms_epsilon'), maxTokens: number('context_length'),
  };
  checkShape(config, refuse);
  if (number('rope.dimension_count', config.headDim) !== config.headDim) refuse('turns a part of each head only, which is not built');
  if (family !== 'qwen2') config.family = family;
  if (tensors.has('output.weight')) config.untied = true;
  return config;
}
