/** config.json as Hugging Face writes it, for Qwen2, Qwen3 and Llama: what it says of the shape, and what we cannot serve. */
import { existsSync, readFileSync } from 'node:fs';
import { reasonOf, UserError } from '../store/errors.js';
import { type Fields, isFields } from '../store/fields.js';
import { checkShape, type ModelConfig } from './config.js';

/** Throws a UserError that names the file and the field when one is absent or asks for what is not built here. */
export function readConfig(path: string): ModelConfig {
  if (!existsSync(path)) throw new UserError(`The model has no ${path}: restore it with "git checkout" or fetch it again.`);
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UserError(`${path} is not JSON (${reasonOf(error)}): fetch it again.`);
  }
  const refuse = (what: string): never => {
    throw new UserError(`${path}: ${what}. Qwen2, Qwen3 and Llama text models are read here.`);
  };
  const fields = (x: unknown, what: string): Fields => (isFields(x) ? x : refuse(`has no fields${what}`));
  const json = fields(read, '');
  // Newer versions of transformers keep the RoPE settings in an object of their own.
  const rope = fields(json['rope_parameters'] ?? json['rope_scaling'] ?? {}, ' of rope_parameters');
  const number = (name: string, fallback?: unknown): number => {
    const value = json[name] ?? fallback;
    return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : refuse(`has no positive number "${name}"`);
  };
  if (json['quantization_config']) {
    const quantised = fields(json['quantization_config'], ' of quantization_config');
    const method = String(quantised['quant_method'] ?? (quantised['load_in_4bit'] || quantised['load_in_8bit'] ? 'bitsandbytes' : 'an unnamed method'));
    throw new UserError(`${path}: the model is quantised as ${method}, which is not read here: take the model that it was made from, or a GGUF file of it.`);
  }
  const family = json['model_type'];
  if (family !== 'qwen2' && family !== 'qwen3' && family !== 'llama') return refuse(`is of a "${String(family)}" model`);
  if (json['use_sliding_window'] === true) refuse('asks for sliding-window attention, which is not built');
  if ((json['hidden_act'] ?? 'silu') !== 'silu') refuse(`asks for the activation ${String(json['hidden_act'])}, not silu`);
  if (family !== 'qwen2' && json['attention_bias'] === true) refuse(`asks for attention biases, which are not built for ${family}`);
  if (json['mlp_bias'] === true) refuse('asks for biases of the feed-forward part, which are not built');
  const ropeType = rope['rope_type'] ?? rope['type'] ?? 'default';
  if (ropeType !== 'default') refuse(`asks for RoPE of type ${String(ropeType)}, which is not built`);
  if (json['rope_theta'] !== undefined && rope['rope_theta'] !== undefined && json['rope_theta'] !== rope['rope_theta']) refuse('has two different values of rope_theta');
  const heads = number('num_attention_heads');
  const config: ModelConfig = {
    vocabSize: number('vocab_size'), hidden: number('hidden_size'), layers: number('num_hidden_layers'),
    heads, kvHeads: number('num_key_value_heads', heads), headDim: number('head_dim', number('hidden_size') / heads),
    mlp: number('intermediate_size'), ropeTheta: number('rope_theta', rope['rope_theta']), rmsEps: number('rms_norm_eps'),
    maxTokens: number('max_position_embeddings'),
  };
  checkShape(config, refuse);
  if (family !== 'qwen2') config.family = family;
  if (json['tie_word_embeddings'] !== true) config.untied = true;
  return config;
}

/** The same, for a model whose EOS and BOS is the last token, as nano-coder's is. */
export function configJson(c: ModelConfig): string {
  return `${JSON.stringify({
    architectures: [{ qwen2: 'Qwen2ForCausalLM', qwen3: 'Qwen3ForCausalLM', llama: 'LlamaForCausalLM' }[c.family ?? 'qwen2']], model_type: c.family ?? 'qwen2',
    vocab_size: c.vocabSize, hidden_size: c.hidden, num_hidden_layers: c.layers, num_attention_heads: c.heads,
    num_key_value_heads: c.kvHeads, ...(c.headDim * c.heads === c.hidden ? {} : { head_dim: c.headDim }), intermediate_size: c.mlp,
    rope_theta: c.ropeTheta, rms_norm_eps: c.rmsEps, max_position_embeddings: c.maxTokens, hidden_act: 'silu',
    tie_word_embeddings: !c.untied, bos_token_id: c.vocabSize - 1, eos_token_id: c.vocabSize - 1, torch_dtype: 'float16',
  }, null, 2)}\n`;
}
