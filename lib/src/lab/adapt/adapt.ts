/** A repository in, its adapter out (paper §3): read it as the checkpoint's training did, and let the network write. */
import { checkWhole } from '../../data/git/repository.js';
import { withDiffVectors } from '../../encoder/diff-vector.js';
import { readableFiles } from '../../encoder/files.js';
import type { WindowRecipe } from '../../encoder/recipe.js';
import { repositoryVector, type RepositoryVector } from '../../encoder/repository-vector.js';
import { VectorCache } from '../../encoder/vector-cache.js';
import type { CommitInputs } from '../../hypernet/unroll.js';
import { adapterTensors, disposeAdapter, type Adapter } from '../../lora/adapter.js';
import { UserError } from '../../store/errors.js';
import type { Progress } from '../../store/progress.js';
import { cache } from '../paths.js';
import { speedometer } from '../vectors.js';
import type { Checkpoint } from './checkpoint.js';
import { statesAt, steps } from './history.js';
import type { OpenedRepository } from './repository.js';

export interface Adapted {
  /** Owned by the caller. */
  adapter: Adapter;
  /** Files that the vector was made of, and their tokens; for a history, those at its first step. */
  files: number;
  tokens: number;
  /** Files that could be read, of which a recipe may take some; absent for a history. */
  readable?: number;
  /** Tokens that went through the encoder now: what it had read before comes from the cache. */
  encoded: number;
  /** First-parent commits, and those of them that the state was stepped with; absent where no history was read. */
  history?: { commits: number; steps: number };
  /** Seconds of reading and encoding. */
  readSeconds: number;
  /** Milliseconds of writing the adapter: the first time, and after it. */
  coldMs: number;
  warmMs: number;
}

/** Written again at most so often, and as long as it takes less than this many milliseconds in all. */
const REPEATS = 40, REPEAT_MS = 500;

/** @throws UserError when there is no file that the encoder may read */
export async function adapt({ repository, history }: OpenedRepository, checkpoint: Checkpoint, progress: Progress): Promise<Adapted> {
  const { embedder, recipes, stepInput } = checkpoint;
  const began = performance.now();
  let encoded = 0;
  const report = speedometer(progress, 'reading the repository', () => 0, 1);
  const cacheFor = (recipe: WindowRecipe) => new VectorCache(cache('adapt', 'windows'), embedder, recipe, (tokens) => {
    encoded += tokens;
    report(tokens);
  });
  const files = readableFiles(repository, recipes.state);
  if (files.length === 0) {
    throw new UserError(`${repository.id} has no Python but tests and empty files: there is nothing that an adapter could be written from.`);
  }

  let commits: CommitInputs[] = [], seen = 0;
  let read: RepositoryVector | undefined;
  if (history && stepInput) {
    await checkWhole(history.gitDir, history.id, history.head, true);
    const diffs: { commit: string; diff: Float32Array }[] = [];
    for await (const [{ commit }, diff] of withDiffVectors(steps(history, () => { seen++; }), cacheFor(recipes.diff), recipes.diff)) diffs.push({ commit, diff });
    const ids = diffs.map(({ commit }) => commit);
    const states = await statesAt(history, stepInput === 'diff' ? ids.slice(0, 1) : ids, cacheFor(recipes.state), recipes.state);
    read = states.get(ids[0] ?? '');
    // What the network does not read is not encoded.
    commits = diffs.map(({ commit, diff }) => ({ diff, state: states.get(commit)?.vector ?? new Float32Array(diff.length) }));
  }
  const snapshot = read ? {} : { readable: files.length };
  read ??= await repositoryVector(files, cacheFor(recipes.state), recipes.state);
  const readSeconds = (performance.now() - began) / 1000, { vector } = read;
  progress({ stage: 'reading the repository', done: 1, total: 1 });

  const written = timed(() => checkpoint.write(vector, commits));
  return {
    adapter: written.adapter, coldMs: written.first, warmMs: written.again, readSeconds, encoded, files: read.files, tokens: read.tokens, ...snapshot,
    ...(history && stepInput && { history: { commits: seen, steps: commits.length } }),
  };
}

/** Writes the adapter, and again for the median time once everything is warm; the first one is returned. */
function timed(write: () => Adapter): { adapter: Adapter; first: number; again: number } {
  const once = () => {
    const began = performance.now(), adapter = write();
    // A GPU has finished when a value can be read.
    adapterTensors(adapter).at(-1)!.dataSync();
    return { adapter, ms: performance.now() - began };
  };
  const { adapter, ms: first } = once();
  const times: number[] = [];
  for (let spent = 0; times.length === 0 || (times.length < REPEATS && spent < REPEAT_MS); spent += times.at(-1)!) {
    const { adapter: other, ms } = once();
    disposeAdapter(other);
    times.push(ms);
  }
  return { adapter, first, again: times.sort((a, b) => a - b)[times.length >> 1]! };
}
