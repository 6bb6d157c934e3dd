/**
 * Byte-level BPE tokenizers in Hugging Face's tokenizer.json format (Qwen's, nano-coder's, SmolLM's, Llama 3's), or out of a
 * GGUF file.
 *
 * Text never becomes a control token. Where code spells one out (`<|fim_prefix|>`, `<|im_start|>`) it is encoded as any
 * other text, so that the files of a repository cannot steer the model. transformers reads such strings as the tokens
 * themselves, and its split_special_tokens=True spares only those marked special, which Qwen's fill-in-the-middle,
 * repository-name and file-separator tokens are not.
 */
import { join } from 'node:path';
import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { UserError } from '../store/errors.js';
import { ggufTokenizer } from './gguf-tokenizer.js';
import { type PostProcessor, readTokenizerJson, type TokenizerJson } from './tokenizer-json.js';

export interface Tokenizer {
  /** One more than the largest id. */
  vocabSize: number;
  /** `<|endoftext|>`, or what Llama calls it: ends a target, separates files, and pads. */
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

/** What ends a text, by the names that it has in these tokenizers. */
const ENDS = ['<|endoftext|>', '<|end_of_text|>'];

/** @param folder holds tokenizer.json, or is a GGUF file. Throws a UserError that names the file when it is absent or of another kind. */
export function loadTokenizer(folder: string): Tokenizer {
  if (folder.endsWith('.gguf')) return tokenizerOf(ggufTokenizer(folder), folder);
  const path = join(folder, 'tokenizer.json');
  return tokenizerOf(readTokenizerJson(path), path);
}

/** @param path what to call it */
function tokenizerOf(json: TokenizerJson, path: string): Tokenizer {
  const added = new Set(json.added_tokens.map((t) => t.id));
  const eos = ENDS.map((end) => json.added_tokens.find((t) => t.content === end)).find(Boolean);
  if (!eos) throw new UserError(`${path} has no token ${ENDS.join(' or ')}: it is no tokenizer of Qwen, SmolLM or Llama 3.`);
  const split = splitter(json.pre_tokenizer, path), end = endOf(json.post_processor, path);
  const normalised = normalisation(json.normalizer, path);
  // The library is given words alone, and knows no control tokens.
  const tokenizer = new HubTokenizer(
    { model: json.model, added_tokens: [], normalizer: null, pre_tokenizer: BYTES, post_processor: null, decoder: BYTES }, { tokenizer_class: 'Qwen2Tokenizer' });
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
  const encode = (text: string) => split(normalised(text)).flatMap(encodeWord);
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

/** Bytes as the letters of the vocabulary, and nothing split. */
const BYTES = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false } as const;

/** What ByteLevel splits by where it says `use_regex`: GPT-2's pattern. */
const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

function normalisation(normalizer: { type: string } | null, path: string): (text: string) => string {
  if (!normalizer) return (text) => text;
  if (normalizer.type === 'NFC') return (text) => text.normalize('NFC');
  throw new UserError(`${path} normalises text by ${normalizer.type}, which is not built here: choose another model.`);
}

/** A text into words, step by step: each splits every piece that the one before left. */
function splitter(steps: TokenizerJson['pre_tokenizer'], path: string): (text: string) => string[] {
  const patterns = steps.flatMap((step): RegExp[] => {
    if (step.type === 'Split' && step.pattern?.Regex) return [patternOf(step.pattern.Regex, path)];
    if (step.type === 'Digits') return [step.individual_digits ? /\p{N}/gu : /\p{N}+/gu];
    if (step.type === 'ByteLevel') return step.use_regex === false ? [] : [patternOf(GPT2, path)];
    throw new UserError(`${path} splits text by ${step.type}, which is not built here: choose another model.`);
  });
  if (!patterns.length || steps.at(-1)?.type !== 'ByteLevel') throw new UserError(`${path} does not split text into words of bytes, as the tokenizers of Qwen, SmolLM and Llama 3 do.`);
  return (text) => patterns.reduce((pieces, pattern) => pieces.flatMap((piece) => isolated(piece, pattern)), [text]);
}

/** The matches, and what lies between them. */
function isolated(text: string, pattern: RegExp): string[] {
  const out: string[] = [];
  let at = 0;
  for (const { index, 0: match } of text.matchAll(pattern)) {
    if (index > at) out.push(text.slice(at, index));
    if (match) out.push(match);
    at = index + match.length;
  }
  if (at < text.length) out.push(text.slice(at));
  return out;
}

/**
 * A splitting pattern as JavaScript has it, which before ES2025 has no (?i:...) group: the contractions are spelt out,
 * ſ being a form of s. Its \s takes U+FEFF and not U+0085, the tokenizers' \s the reverse.
 */
function patternOf(regex: string, path: string): RegExp {
  try {
    const pattern = new RegExp(regex
      .replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "'(?:[sSſ]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])")
      .replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}'), 'gu');
    // Only now is it compiled.
    pattern.test('');
    return pattern;
  } catch {
    throw new UserError(`${path} splits text by a pattern that is not known here, ${JSON.stringify(regex.slice(0, 80))}: choose another model.`);
  }
}

/** The ids that the post-processor puts after a text. What it puts before one, as Llama 3's does, is left out everywhere. */
function endOf(post: PostProcessor | null, path: string): number[] {
  const template = [post, ...(post?.processors ?? [])].find((p) => p?.type === 'TemplateProcessing');
  if (!template) return [];
  const parts = template.single ?? [], text = parts.indexOf('text');
  if (text < 0) throw new UserError(`${path} has a template without a place for the text: fetch it again, or choose another model.`);
  return parts.slice(text + 1).flatMap((part) => (part === 'text' ? [] : part));
}
