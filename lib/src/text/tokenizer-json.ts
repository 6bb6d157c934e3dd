/** Hugging Face's tokenizer.json, as far as it is read here. */

export interface PostProcessor {
  type: string;
  /** Of a Sequence. */
  processors?: PostProcessor[];
  /** Of a TemplateProcessing: the text's place and the tokens around it. */
  single?: { Sequence?: { id: string }; SpecialToken?: { id: string } }[];
  special_tokens?: Record<string, { ids: number[] }>;
}

/** A step of splitting a text into words, before BPE. */
export interface PreTokenizer {
  type: string;
  pattern?: { Regex: string };
  individual_digits?: boolean;
  use_regex?: boolean;
}

export interface TokenizerJson {
  model: { type: string; vocab: Record<string, number>; merges: unknown[] };
  added_tokens: { id: number; content: string }[];
  normalizer: { type: string } | null;
  pre_tokenizer: PreTokenizer | { type: 'Sequence'; pretokenizers: PreTokenizer[] };
  post_processor: PostProcessor | null;
  decoder: object;
}
