/** The tokenizer in a GGUF file, laid out as tokenizer.json: its vocabulary, its merges, and the splitting that it names. */
import { UserError } from '../store/errors.js';
import { type GgufValue, openGguf } from '../store/gguf/gguf.js';
import type { PreTokenizer, TokenizerJson } from './tokenizer-json.js';

/** Whole texts are split by these before BPE; llama.cpp has them under these names (tokenizer.ggml.pre). */
const BY_PATTERN = (regex: string): PreTokenizer[] => [{ type: 'Split', pattern: { Regex: regex } }, { type: 'ByteLevel', use_regex: false }];
const QWEN = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const SPLITS: Record<string, { steps: PreTokenizer[]; normalizer: TokenizerJson['normalizer'] }> = {
  'qwen2': { steps: BY_PATTERN(QWEN), normalizer: { type: 'NFC' } },
  'llama-bpe': { steps: BY_PATTERN(QWEN.replace(String.raw`|\p{N}|`, String.raw`|\p{N}{1,3}|`)), normalizer: null },
  'smollm': { steps: [{ type: 'Digits', individual_digits: true }, { type: 'ByteLevel', use_regex: true }], normalizer: null },
};
/** llama.cpp's kinds of tokens: those that text never becomes. */
const CONTROL = 3, USER_DEFINED = 4;

/** @throws UserError when the file has no byte-level BPE tokenizer whose splitting is known here */
export function ggufTokenizer(path: string): TokenizerJson {
  const file = openGguf(path);
  file.close();
  const refuse = (what: string): never => { throw new UserError(`${path} ${what}: choose another model.`); };
  const list = <T extends GgufValue>(name: string, of: 'string' | 'number'): T[] => {
    const value = file.metadata.get(`tokenizer.ggml.${name}`);
    if (!Array.isArray(value) || value.some((item) => typeof item !== of)) return refuse(`has no list tokenizer.ggml.${name}`);
    return value as T[];
  };
  const kind = file.metadata.get('tokenizer.ggml.model'), pre = file.metadata.get('tokenizer.ggml.pre');
  if (kind !== 'gpt2') refuse(`has a tokenizer of kind ${JSON.stringify(kind ?? null)}, and byte-level BPE ("gpt2") is read here`);
  const split = typeof pre === 'string' && Object.hasOwn(SPLITS, pre) ? SPLITS[pre]! : refuse(`splits text as ${JSON.stringify(pre ?? null)}, which is not known here (${Object.keys(SPLITS).join(', ')} are)`);
  const tokens = list<string>('tokens', 'string'), kinds = list<number>('token_type', 'number');
  if (kinds.length !== tokens.length) refuse(`has ${tokens.length} tokens and ${kinds.length} kinds of them`);
  const eos = file.metadata.get('tokenizer.ggml.eos_token_id'), appends = file.metadata.get('tokenizer.ggml.add_eos_token') === true;
  if (appends && (typeof eos !== 'number' || !(eos in tokens))) refuse('ends texts with a token that it does not name');
  const isAdded = (id: number) => kinds[id] === CONTROL || kinds[id] === USER_DEFINED;
  return {
    model: { type: 'BPE', vocab: Object.fromEntries(tokens.flatMap((token, id) => (isAdded(id) ? [] : [[token, id]]))), merges: list<string>('merges', 'string'), unk_token: null, ignore_merges: false },
    added_tokens: tokens.flatMap((content, id) => (isAdded(id) ? [{ id, content }] : [])),
    normalizer: split.normalizer, pre_tokenizer: split.steps, post_processor: appends ? { type: 'TemplateProcessing', single: ['text', [eos as number]] } : null,
  };
}
