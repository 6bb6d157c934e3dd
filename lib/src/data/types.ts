/**
 * The nouns of the benchmark: a repository, its files, and the assertion-completion tasks made from its tests.
 * RepoPeftBench, paper §2; the details of every field follow its static track.
 */

/**
 * Cross-repository split: which repositories a method may train on. `ood_test` holds only repositories that began after
 * the cut-off date, so no model or method can have seen them.
 */
export const SPLITS = ['train', 'cr_val', 'cr_test', 'ood_test'] as const;
export type CrossRepoSplit = (typeof SPLITS)[number];
/** The static track asks about one snapshot of each repository, the evolution track about its commits (paper §2). */
export type Track = 'static' | 'evolution';
/** In-repository split of a training repository's tasks. Tasks of other repositories are all `test`. */
export type InRepoSplit = 'train' | 'val' | 'test';

/** One file of a repository as it is on disk; `path` is relative, with forward slashes. */
export interface SourceFile {
  path: string;
  bytes: Uint8Array;
}

/** One snapshot of a repository: its text files (.py, .md, .rst), read and never imported or executed. */
export interface Repository {
  /** Project name, or owner/name; unique in a corpus. */
  id: string;
  /** The snapshot: a commit id, or the version of a release. */
  commit: string;
  licence: string;
  split: CrossRepoSplit;
  files: SourceFile[];
  /** Files left out of it, by reason. */
  refused?: Partial<Record<string, number>>;
}

/** A repository over time: a bare git repository on disk, whose first-parent history up to `head` is replayed. */
export interface History {
  id: string;
  licence: string;
  split: CrossRepoSplit;
  gitDir: string;
  /** The newest commit to look at, as a full commit id. */
  head: string;
}

/** Where repositories come from. Both ways yield them one at a time, training repositories first. */
export interface Source {
  /** One snapshot of each, with its text files. */
  snapshots(): AsyncIterable<Repository>;
  histories(): AsyncIterable<History>;
  /** What could not be read, and why; filled while either is walked. */
  readonly unusable: { id: string; reason: string }[];
}

/** The five assertion families (paper §2.2). */
export type AssertionFamily = 'assert' | 'unittest' | 'pytest.raises' | 'pytest.approx' | 'numpy';

export type TargetKind =
  | 'bool' | 'none' | 'string' | 'numeric' | 'collection' | 'call' | 'variable' | 'complex';

/** One assertion to complete: given `prefix`, write `target`. */
export interface Task {
  /** Unique in a corpus: `repo:file:byteStart:byteEnd`; in the evolution track `repo@commit:file:byteStart:byteEnd`. */
  id: string;
  repo: string;
  /** The commit or release whose file the task was cut from. */
  commit: string;
  /** Position of that commit among the repository's kept commits; 0 in a snapshot. */
  commitIndex: number;
  /** What the commit did to the assertion (paper §2.4); `snapshot` in the static track. */
  event: 'snapshot' | 'added' | 'modified';
  split: CrossRepoSplit;
  inRepoSplit: InRepoSplit;
  file: string;
  /** Enclosing test function, with its class: `TestX.test_y`. */
  testFunction: string;
  family: AssertionFamily;
  targetKind: TargetKind;
  /** Byte offsets of the target in the file: `bytes.slice(byteStart, byteEnd)` decodes to the literal target. -1 where a published table does not say. */
  byteStart: number;
  byteEnd: number;
  /** 1-based line on which the target starts; -1 where a published table does not say. */
  line: number;
  prefix: string;
  /** The literal target on one line: line breaks and the indentation after them become one space. */
  target: string;
}

/** One kept commit of the evolution track: it added or changed at least one assertion. */
export interface Commit {
  repo: string;
  split: CrossRepoSplit;
  inRepoSplit: InRepoSplit;
  /** Position among the repository's kept commits, oldest first. */
  index: number;
  id: string;
  /** Committer time, ISO 8601 in UTC. */
  time: string;
  /** Unified diff of production code since the previous kept commit (paper §2.4). */
  diff: string;
  /** Assertions that the commit added or changed, before caps. */
  added: number;
  modified: number;
  /** Vectors of an encoder, where one has been run: [width]. */
  diffEmbedding?: Float32Array;
  repoStateEmbedding?: Float32Array;
}
