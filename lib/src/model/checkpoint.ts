/**
 * A decoder on disk as Hugging Face keeps it: config.json, model.safetensors with Qwen2's tensor names and [out, in]
 * matrices, tokenizer.json. Other tools load nano-coder from the same folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toArray, toTensor } from '../engine/arrays.js';
import { tf, tidy, type Tensor } from '../engine/tensorflow.js';
import { writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import { readSafetensors, writeSafetensors, type NamedArray } from '../store/safetensors.js';
import type { ModelConfig } from './config.js';
import type { LayerWeights, Model } from './weights.js';

/** Names and shapes of the tensors on disk. */
function parts(c: ModelConfig): { suffix: string; shape: number[] }[] {
  const q = c.heads * c.headDim, kv = c.kvHeads * c.headDim;
  return [
    { suffix: 'input_layernorm.weight', shape: [c.hidden] },
    { suffix: 'self_attn.q_proj.weight', shape: [q, c.hidden] }, { suffix: 'self_attn.q_proj.bias', shape: [q] },
    { suffix: 'self_attn.k_proj.weight', shape: [kv, c.hidden] }, { suffix: 'self_attn.k_proj.bias', shape: [kv] },
    { suffix: 'self_attn.v_proj.weight', shape: [kv, c.hidden] }, { suffix: 'self_attn.v_proj.bias', shape: [kv] },
    { suffix: 'self_attn.o_proj.weight', shape: [c.hidden, q] },
    { suffix: 'post_attention_layernorm.weight', shape: [c.hidden] },
    { suffix: 'mlp.gate_proj.weight', shape: [c.mlp, c.hidden] }, { suffix: 'mlp.up_proj.weight', shape: [c.mlp, c.hidden] },
    { suffix: 'mlp.down_proj.weight', shape: [c.hidden, c.mlp] },
  ];
}

/** Writes config.json and model.safetensors in half precision. */
export function saveModel(folder: string, model: Model, metadata: Record<string, string> = {}): void {
  const c = model.config;
  const q = c.heads * c.headDim, kv = c.kvHeads * c.headDim;
  const tensors = new Map<string, NamedArray>();
  tidy(() => {
    const put = (name: string, t: Tensor) => tensors.set(name, toArray(t));
    put('model.embed_tokens.weight', model.embed);
    model.layers.forEach((w, i) => {
      const at = `model.layers.${i}.`;
      put(`${at}input_layernorm.weight`, w.inputNorm);
      const weights = tf.split(w.qkv, [q, kv, kv], 1), biases = tf.split(w.qkvBias, [q, kv, kv]);
      ['q', 'k', 'v'].forEach((n, j) => {
        put(`${at}self_attn.${n}_proj.weight`, weights[j]!.transpose());
        put(`${at}self_attn.${n}_proj.bias`, biases[j]!);
      });
      put(`${at}self_attn.o_proj.weight`, w.o.transpose());
      put(`${at}post_attention_layernorm.weight`, w.postNorm);
      const [gate, up] = tf.split(w.gateUp, 2, 1) as [Tensor, Tensor];
      put(`${at}mlp.gate_proj.weight`, gate.transpose());
      put(`${at}mlp.up_proj.weight`, up.transpose());
      put(`${at}mlp.down_proj.weight`, w.down.transpose());
    });
    put('model.norm.weight', model.finalNorm);
  });
  writeSafetensors(join(folder, 'model.safetensors'), tensors, 'F16', { format: 'pt', ...metadata });
  writeFileAtomic(join(folder, 'config.json'), `${JSON.stringify({
    architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2', vocab_size: c.vocabSize, hidden_size: c.hidden,
    num_hidden_layers: c.layers, num_attention_heads: c.heads, num_key_value_heads: c.kvHeads, intermediate_size: c.mlp,
    rope_theta: c.ropeTheta, rms_norm_eps: c.rmsEps, max_position_embeddings: c.maxTokens, hidden_act: 'silu',
    tie_word_embeddings: true, bos_token_id: c.vocabSize - 1, eos_token_id: c.vocabSize - 1, torch_dtype: 'float16',
  }, null, 2)}\n`);
}

/** Throws a UserError that names the file and the tensor when one is missing, misshapen, extra or not finite. */
export function loadModel(folder: string): Model {
  const configPath = join(folder, 'config.json'), path = join(folder, 'model.safetensors');
  for (const file of [configPath, path]) {
    if (!existsSync(file)) throw new UserError(`The model has no ${file}: restore it with "git checkout" or fetch it again.`);
  }
  const json = JSON.parse(readFileSync(configPath, 'utf8')) as Record<string, number>;
  const number = (name: string): number => {
    const value = json[name];
    if (typeof value !== 'number') throw new UserError(`${configPath} has no number "${name}".`);
    return value;
  };
  const config: ModelConfig = {
    vocabSize: number('vocab_size'), hidden: number('hidden_size'), layers: number('num_hidden_layers'),
    heads: number('num_attention_heads'), kvHeads: number('num_key_value_heads'),
    headDim: number('hidden_size') / number('num_attention_heads'), mlp: number('intermediate_size'),
    ropeTheta: number('rope_theta'), rmsEps: number('rms_norm_eps'), maxTokens: number('max_position_embeddings'),
  };
  const { tensors } = readSafetensors(path);
  const take = (name: string, shape: number[]): Tensor => {
    const found = tensors.get(name);
    if (!found) throw new UserError(`${path} lacks the tensor ${name}: fetch it again.`);
    if (found.shape.join() !== shape.join()) throw new UserError(`${path}: ${name} is [${found.shape}] where config.json says [${shape}].`);
    if (!found.data.every(Number.isFinite)) throw new UserError(`${path}: ${name} holds values that are not finite: the file is damaged, fetch it again.`);
    tensors.delete(name);
    return toTensor(found);
  };
  const model = tidy((): Model => {
    const embed = take('model.embed_tokens.weight', [config.vocabSize, config.hidden]);
    const layers = Array.from({ length: config.layers }, (_, i): LayerWeights => {
      const w = Object.fromEntries(parts(config).map(({ suffix, shape }) => [suffix, take(`model.layers.${i}.${suffix}`, shape)]));
      const get = (suffix: string) => w[suffix]!;
      const side = (names: string[]) => tf.keep(tf.concat(names.map((n) => get(n).transpose()), 1));
      const layer = {
        inputNorm: get('input_layernorm.weight'),
        qkv: side(['self_attn.q_proj.weight', 'self_attn.k_proj.weight', 'self_attn.v_proj.weight']),
        qkvBias: tf.keep(tf.concat(['q', 'k', 'v'].map((n) => get(`self_attn.${n}_proj.bias`)))),
        o: side(['self_attn.o_proj.weight']),
        postNorm: get('post_attention_layernorm.weight'),
        gateUp: side(['mlp.gate_proj.weight', 'mlp.up_proj.weight']),
        down: side(['mlp.down_proj.weight']),
      };
      tf.dispose(Object.values(w).filter((t) => t !== layer.inputNorm && t !== layer.postNorm));
      return layer;
    });
    return { config, embed, layers, finalNorm: take('model.norm.weight', [config.hidden]) };
  });
  if (tensors.size) throw new UserError(`${path} holds tensors that its config.json does not ask for: ${[...tensors.keys()].slice(0, 3).join(', ')}.`);
  return model;
}
