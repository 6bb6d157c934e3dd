/**
 * The nouns of the benchmark: a repository, its files, and the assertion-completion tasks made from its tests.
 * RepoPeftBench, paper §2; the details of every field follow its static track.
 */

/** Cross-repository split: which repositories a method may train on. */
export type CrossRepoSplit = 'train' | 'cr_val' | 'cr_test';
/** In-repository split of a training repository's tasks. Tasks of CR repositories are all `test`. */
export type InRepoSplit = 'train' | 'val' | 'test';

/** One file of a repository as it is on disk; `path` is relative, with forward slashes. */
export interface SourceFile {
  path: string;
  bytes: Uint8Array;
}

/** One snapshot of a repository: its text files (.py, .md, .rst), read and never imported or executed. */
export interface Repository {
  /** Project name, unique in a corpus. */
  id: string;
  version: string;
  licence: string;
  split: CrossRepoSplit;
  files: SourceFile[];
}

/** The five assertion families (paper §2.2). */
export type AssertionFamily = 'assert' | 'unittest' | 'pytest.raises' | 'pytest.approx' | 'numpy';

export type TargetKind =
  | 'bool' | 'none' | 'string' | 'numeric' | 'collection' | 'call' | 'variable' | 'complex';

/** One assertion to complete: given `prefix`, write `target`. */
export interface Task {
  /** Unique in a corpus: `repo:file:byteStart:byteEnd`. */
  id: string;
  repo: string;
  split: CrossRepoSplit;
  inRepoSplit: InRepoSplit;
  file: string;
  /** Enclosing test function, with its class: `TestX.test_y`. */
  testFunction: string;
  family: AssertionFamily;
  targetKind: TargetKind;
  /** Byte offsets of the target in the file: `bytes.slice(byteStart, byteEnd)` decodes to the literal target. */
  byteStart: number;
  byteEnd: number;
  /** 1-based line on which the target starts. */
  line: number;
  prefix: string;
  /** The literal target on one line: line breaks and the indentation after them become one space. */
  target: string;
}
