/** Hugging Face's tokenizer.json: what is read of it here, each part checked. */
import { readFileSync } from 'node:fs';
import { reasonOf, UserError } from '../store/errors.js';
import { type Fields, isFields } from '../store/fields.js';

export interface PostProcessor {
  type: string;
  /** Of a Sequence. */
  processors?: PostProcessor[];
  /** Of a TemplateProcessing: the text's place and the tokens around it, each by its ids. */
  single?: ('text' | number[])[];
}

/** A step of splitting a text into words, before BPE. */
export interface PreTokenizer {
  type: string;
  pattern?: { Regex: string };
  individual_digits?: boolean;
  use_regex?: boolean;
}

export interface TokenizerJson {
  model: { type: 'BPE'; vocab: Record<string, number>; merges: (string | [string, string])[]; unk_token: string | null; ignore_merges: boolean };
  added_tokens: { id: number; content: string }[];
  normalizer: { type: string } | null;
  /** Steps, one after another. */
  pre_tokenizer: PreTokenizer[];
  post_processor: PostProcessor | null;
}

const isId = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0 && (x as number) < 2 ** 31;

/** @throws UserError that names the file, and the part of it that is not as it should be */
export function readTokenizerJson(path: string): TokenizerJson {
  const wrong = (what: string): never => { throw new UserError(`${path} is not a tokenizer that is read here (${what}): fetch it again, or choose another model.`); };
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return wrong(reasonOf(error));
  }
  const fields = (x: unknown, what: string): Fields => (isFields(x) ? x : wrong(`it has no ${what}`));
  const list = (x: unknown, what: string): unknown[] => (Array.isArray(x) ? x : wrong(`it has no list of ${what}`));
  const text = (x: unknown, what: string): string => (typeof x === 'string' ? x : wrong(`it has no ${what}`));
  const id = (x: unknown, what: string): number => (isId(x) ? x : wrong(`${what} has no id`));

  const whole = fields(json, 'fields'), model = fields(whole['model'], 'model');
  if ((model['type'] ?? 'BPE') !== 'BPE') wrong(`its model is ${JSON.stringify(model['type'])}, not BPE`);
  for (const name of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix', 'byte_fallback', 'fuse_unk']) if (model[name]) wrong(`its model asks for ${name}`);
  const vocab = Object.entries(fields(model['vocab'], 'vocabulary')).map(([token, number]) => [token, id(number, `the token ${token.slice(0, 40)}`)] as const);
  if (!vocab.length) wrong('its vocabulary is empty');
  const merges = list(model['merges'], 'merges').map((merge) => {
    if (typeof merge === 'string') return merge;
    return Array.isArray(merge) && merge.length === 2 && merge.every((part) => typeof part === 'string') ? merge as [string, string] : wrong('a merge is not two tokens');
  });
  const step = (x: unknown): PreTokenizer => {
    const { type, pattern, individual_digits: digits, use_regex: regex, add_prefix_space: space, behavior, invert } = fields(x, 'step of splitting text');
    if (space === true) wrong('it puts a space before each text');
    if (type === 'Split' && ((behavior !== undefined && behavior !== 'Isolated') || invert === true)) wrong(`a step of splitting text does not isolate what it finds, but ${invert === true ? 'inverts its pattern' : JSON.stringify(behavior)}`);
    return {
      type: text(type, 'kind of splitting text'), ...(digits === true && { individual_digits: true }), ...(regex === false && { use_regex: false }),
      ...(isFields(pattern) && typeof pattern['Regex'] === 'string' && { pattern: { Regex: pattern['Regex'] } }),
    };
  };
  const post = (x: unknown, depth = 0): PostProcessor => {
    const { type, processors, single, special_tokens: special } = fields(x, 'step after BPE');
    if (depth > 4) wrong('its steps after BPE lie in one another');
    return {
      type: text(type, 'kind of step after BPE'), ...(processors !== undefined && { processors: list(processors, 'steps after BPE').map((p) => post(p, depth + 1)) }),
      ...(type === 'TemplateProcessing' && { single: list(single, 'parts of its template').map((part) => {
        const { Sequence: sequence, SpecialToken: token } = fields(part, 'part of its template');
        if (sequence) return 'text';
        const name = text(fields(token, 'token of its template')['id'], 'name of a template\'s token');
        const known = fields(special, 'tokens of its template');
        return list(fields(Object.hasOwn(known, name) ? known[name] : undefined, `token ${name} of its template`)['ids'], 'ids').map((x) => id(x, name));
      }) }),
    };
  };
  const { pre_tokenizer: pre, normalizer, post_processor: after, added_tokens: added } = whole;
  return {
    model: { type: 'BPE', vocab: Object.fromEntries(vocab), merges, unk_token: typeof model['unk_token'] === 'string' ? model['unk_token'] : null, ignore_merges: model['ignore_merges'] === true },
    added_tokens: list(added ?? [], 'added tokens').map((x) => {
      const { id: number, content } = fields(x, 'added token');
      return { id: id(number, 'an added token'), content: text(content, 'text of an added token') };
    }),
    normalizer: normalizer === null || normalizer === undefined ? null : { type: text(fields(normalizer, 'normaliser')['type'], 'kind of normaliser') },
    pre_tokenizer: pre === null || pre === undefined ? [] : isFields(pre) && pre['type'] === 'Sequence' ? list(pre['pretokenizers'], 'steps of splitting text').map(step) : [step(pre)],
    post_processor: after === null || after === undefined ? null : post(after),
  };
}
