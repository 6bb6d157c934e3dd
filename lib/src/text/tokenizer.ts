/** Byte-level BPE tokenizers in Hugging Face's tokenizer.json format (Qwen2.5-Coder's, nano-coder's). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { UserError } from '../store/errors.js';

export interface Tokenizer {
  vocabSize: number;
  /** `<|endoftext|>`: ends a target, separates files, and pads. */
  eos: number;
  /** Ids of all tokens that hold a line break. */
  lineBreaks: ReadonlySet<number>;
  encode(text: string): number[];
  decode(ids: readonly number[]): string;
}

/** @param folder holds tokenizer.json. Throws a UserError that names the file when it is absent or no tokenizer. */
export function loadTokenizer(folder: string): Tokenizer {
  const path = join(folder, 'tokenizer.json');
  let json: {
    model: { vocab: Record<string, number> };
    added_tokens: { id: number; content: string }[];
    pre_tokenizer: { pretokenizers: { pattern?: { Regex: string } }[] };
  };
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UserError(`${path} is not a readable tokenizer (${(error as Error).message}): fetch it again.`);
  }
  const eos = json.added_tokens.find((t) => t.content === '<|endoftext|>');
  if (!eos) throw new UserError(`${path} has no <|endoftext|> token: it is not a Qwen tokenizer.`);
  const tokenizer = new HubTokenizer(json, { tokenizer_class: 'Qwen2Tokenizer', clean_up_tokenization_spaces: false });
  // Source code repeats its words: splitting first and remembering each piece's ids is 10 times as fast as the
  // library alone. JavaScript (before ES2025) has no (?i:...) group, so the contractions are spelt out.
  const pattern = json.pre_tokenizer.pretokenizers[0]?.pattern?.Regex
    .replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])");
  if (!pattern) throw new UserError(`${path} does not split text by one pattern as Qwen's tokenizer does.`);
  const words = new RegExp(pattern, 'gu');
  const known = new Map<string, number[]>();
  const encodeWord = (word: string): number[] => {
    const cached = known.get(word);
    if (cached) return cached;
    const ids = tokenizer.encode(word, { add_special_tokens: false }).ids;
    if (known.size > 500_000) known.clear();
    known.set(word, ids);
    return ids;
  };
  return {
    vocabSize: 1 + Math.max(...Object.values(json.model.vocab), ...json.added_tokens.map((t) => t.id)),
    eos: eos.id,
    // In the byte-level alphabet of tokenizer.json a line feed is written Ċ.
    lineBreaks: new Set(Object.entries(json.model.vocab).filter(([t]) => t.includes('Ċ')).map(([, id]) => id)),
    encode: (text) => (text.normalize('NFC').match(words) ?? []).flatMap(encodeWord),
    decode: (ids) => (ids.length ? tokenizer.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false }) : ''),
  };
}
