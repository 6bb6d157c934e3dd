/**
 * How text becomes a vector: everything that differs between the encoders of the paper, of the released checkpoints and
 * of the small profiles, as data. A new combination is a new object, `{ ...released, overFiles: [{ pool: 'max' }] }`.
 */

/** How a text is cut and how a window becomes a vector. With text and model it determines the window vectors. */
export interface WindowRecipe {
  /** Tokens a window; windows of one text overlap by `overlap`. */
  window: number;
  overlap: number;
  /** A window of fewer tokens is left out, but for a text's first one where `keepFirst` says so. */
  minTail: number;
  keepFirst: boolean;
  /** Windows a text, spread evenly over it with the first among them; Infinity for all. */
  maxWindows: number;
  /** Each window is decoded to text and tokenised again with the tokenizer's own end token, as the authors' scripts do. */
  endToken: boolean;
  /** A window's vector: the mean or the maximum of its tokens' final hidden states, or the last token's. */
  inside: 'mean' | 'max' | 'last';
}

/** Which files of a repository are read. */
export interface FileRecipe {
  /**
   * Python files that are no tests; these with .md and .rst; all Python files, tests and skipped folders too; or, of
   * `halved` test files, the half for reading, alone or with the source.
   */
  files: 'source' | 'source+docs' | 'all-python' | 'tests' | 'source+tests';
  /** A half of each repository's test files is for reading, and tasks come from the other half only. */
  halved?: true;
  maxFileBytes: number;
  maxFiles: number;
  /** Which ones where there are more than `maxFiles`: by the hash of the path, or the largest by tokens. */
  choose: 'hash' | 'largest';
}

/** One part of a pooled vector; parts stand one after the other in the order given. */
export interface Part {
  pool: 'mean' | 'max' | 'importance';
  /** Factor of the part; 1 when absent. */
  weight?: number;
}

/** How window vectors become one vector of a repository. Another pooling costs no forward pass. */
export interface PoolingRecipe {
  /** Over the windows of a file. */
  overWindows: 'mean' | 'max';
  overFiles: Part[];
  final: 'l2' | 'none';
  /** Round to half precision, as what is stored so. */
  half: boolean;
}

export interface EncoderRecipe extends WindowRecipe, FileRecipe, PoolingRecipe {}

/** How a commit's production diff becomes a vector: one text, pooled over its windows (paper §3.3). */
export interface DiffRecipe extends WindowRecipe {
  overWindows: Part[];
  half: boolean;
}

const MB = 1_000_000;

/** The paper's text (§3.1) and the authors' first generation. There the trainer normalises the vector; here it comes so. */
export const paper: EncoderRecipe = {
  window: 4096, overlap: 512, minTail: 16, keepFirst: true, maxWindows: Infinity, endToken: true, inside: 'mean',
  files: 'source+docs', maxFileBytes: 2 * MB, maxFiles: 4000, choose: 'hash',
  overWindows: 'mean', overFiles: [{ pool: 'importance', weight: 0.6 }, { pool: 'max', weight: 1.4 }], final: 'l2', half: false,
};

/** What the released checkpoints and the published vectors were made with. It reads test files. */
export const released: EncoderRecipe = {
  window: 2048, overlap: 256, minTail: 8, keepFirst: true, maxWindows: Infinity, endToken: true, inside: 'mean',
  files: 'all-python', maxFileBytes: 2 * MB, maxFiles: Infinity, choose: 'hash',
  overWindows: 'mean', overFiles: [{ pool: 'mean' }, { pool: 'max' }], final: 'l2', half: true,
};

/** A commit's diff as the released checkpoints read it: maximum before mean, the reverse of a repository's vector. */
export const diff: DiffRecipe = {
  window: 512, overlap: 64, minTail: 16, keepFirst: false, maxWindows: Infinity, endToken: true, inside: 'mean',
  overWindows: [{ pool: 'max' }, { pool: 'mean' }], half: true,
};

/** A repository read in part, for the small profiles: the frozen model is its own encoder and no test file is read. */
export const inPart: EncoderRecipe = {
  window: 256, overlap: 32, minTail: 16, keepFirst: true, maxWindows: 1, endToken: false, inside: 'mean',
  files: 'source', maxFileBytes: 2 * MB, maxFiles: 32, choose: 'hash',
  overWindows: 'mean', overFiles: [{ pool: 'mean' }, { pool: 'max' }], final: 'l2', half: false,
};

/** A diff read in part, with the windows of `encoder`. */
export function diffInPart({ window, overlap }: Pick<WindowRecipe, 'window' | 'overlap'>): DiffRecipe {
  return { ...diff, window, overlap, maxWindows: 16, endToken: false, half: false };
}
