/**
 * Byte-level BPE tokenizers in Hugging Face's tokenizer.json format (Qwen's, nano-coder's).
 *
 * Text never becomes a control token. Where code spells one out (`<|fim_prefix|>`, `<|im_start|>`) it is encoded as any
 * other text, so that the files of a repository cannot steer the model. transformers reads such strings as the tokens
 * themselves, and its split_special_tokens=True spares only those marked special, which Qwen's fill-in-the-middle,
 * repository-name and file-separator tokens are not.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { UserError } from '../store/errors.js';

export interface Tokenizer {
  /** One more than the largest id. */
  vocabSize: number;
  /** `<|endoftext|>`: ends a target, separates files, and pads. */
  eos: number;
  /** Ids of all tokens that hold a line break. */
  lineBreaks: ReadonlySet<number>;
  /**
   * All control tokens but `eos`: fill-in-the-middle, repository name, file separator, chat, vision and tool calls. No
   * answer holds one, and after retrieved code a base model may begin with one: no method may generate them.
   */
  banned: ReadonlySet<number>;
  /** Without any control token. */
  encode(text: string): number[];
  /** With what the tokenizer's own post-processor appends: `<|endoftext|>` for Qwen3-Embedding, nothing for Qwen2.5-Coder. */
  encodeWithEnd(text: string): number[];
  /** Control tokens are left out. */
  decode(ids: readonly number[]): string;
}

interface PostProcessor {
  type: string;
  /** Of a Sequence. */
  processors?: PostProcessor[];
  /** Of a TemplateProcessing: the text's place and the tokens around it. */
  single?: { Sequence?: { id: string }; SpecialToken?: { id: string } }[];
  special_tokens?: Record<string, { ids: number[] }>;
}
interface TokenizerJson {
  model: { vocab: Record<string, number> };
  added_tokens: { id: number; content: string }[];
  pre_tokenizer: { pretokenizers: { pattern?: { Regex: string } }[] };
  post_processor: PostProcessor | null;
}

/** @param folder holds tokenizer.json. Throws a UserError that names the file when it is absent or no Qwen tokenizer. */
export function loadTokenizer(folder: string): Tokenizer {
  const path = join(folder, 'tokenizer.json');
  let json: TokenizerJson;
  try {
    json = JSON.parse(readFileSync(path, 'utf8')) as TokenizerJson;
  } catch (error) {
    throw new UserError(`${path} is not a readable tokenizer (${(error as Error).message}): fetch it again.`);
  }
  const added = new Set(json.added_tokens?.map((t) => t.id));
  const eos = json.added_tokens?.find((t) => t.content === '<|endoftext|>');
  if (!eos) throw new UserError(`${path} has no <|endoftext|> token: it is not a Qwen tokenizer.`);
  const [split, ...rest] = json.pre_tokenizer?.pretokenizers ?? [];
  if (!split?.pattern?.Regex) throw new UserError(`${path} does not split text by one pattern as Qwen's tokenizer does.`);
  const words = patternOf(split.pattern.Regex), end = endOf(json.post_processor, path);
  // The library is given words alone, and knows no control tokens.
  const tokenizer = new HubTokenizer(
    { ...json, added_tokens: [], normalizer: null, pre_tokenizer: { ...json.pre_tokenizer, pretokenizers: rest }, post_processor: null },
    { tokenizer_class: 'Qwen2Tokenizer' });
  // Source code repeats its words: splitting first and remembering each word's ids is 10 times as fast as the library.
  const known = new Map<string, number[]>();
  const encodeWord = (word: string): number[] => {
    const cached = known.get(word);
    if (cached) return cached;
    const { ids } = tokenizer.encode(word);
    if (known.size > 500_000) known.clear();
    known.set(word, ids);
    return ids;
  };
  const encode = (text: string) => (text.normalize('NFC').match(words) ?? []).flatMap(encodeWord);
  const vocab = Object.entries(json.model.vocab);
  return {
    vocabSize: 1 + vocab.reduce((most, [, id]) => Math.max(most, id), Math.max(...added)),
    eos: eos.id,
    // In the byte-level alphabet of tokenizer.json a line feed is written Ċ.
    lineBreaks: new Set(vocab.filter(([t]) => t.includes('Ċ')).map(([, id]) => id)),
    banned: new Set([...added].filter((id) => id !== eos.id)),
    encode,
    encodeWithEnd: (text) => [...encode(text), ...end],
    decode: (ids) => {
      const text = ids.filter((id) => !added.has(id));
      return text.length ? tokenizer.decode(text, { clean_up_tokenization_spaces: false }) : '';
    },
  };
}

/**
 * A splitting pattern as JavaScript has it, which before ES2025 has no (?i:...) group: the contractions are spelt out,
 * ſ being a form of s. Its \s takes U+FEFF and not U+0085, the tokenizers' \s the reverse.
 */
function patternOf(regex: string): RegExp {
  return new RegExp(regex
    .replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "'(?:[sSſ]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])")
    .replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}'), 'gu');
}

/** The ids that the post-processor puts after a text. */
function endOf(post: PostProcessor | null, path: string): number[] {
  const template = [post, ...(post?.processors ?? [])].find((p) => p?.type === 'TemplateProcessing');
  if (!template) return [];
  const [text, ...after] = template.single ?? [];
  if (!text?.Sequence) throw new UserError(`${path} puts tokens before a text, which Qwen's tokenizers do not.`);
  return after.flatMap(({ SpecialToken }) => template.special_tokens?.[SpecialToken?.id ?? '']?.ids ?? []);
}
