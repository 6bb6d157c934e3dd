/** lib's replay of a history against the Python oracle: the new assertions that only one of them sees. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { newCounts, replay } from '../../lib/dist/data/evolution/replay.js';

const python = existsSync('.venv/bin/python') ? '.venv/bin/python' : 'python3';

export interface Comparison {
  both: number;
  onlyOurs: string[];
  onlyOracle: string[];
  /** Versions of files that Python's parser of today cannot read (Python 2, templates). */
  unreadable: Set<string>;
}

/** @param cutoff seconds since 1970 */
export async function compareWithOracle(gitDir: string, head: string, cutoff = Number.POSITIVE_INFINITY): Promise<Comparison> {
  const args = ['test/data/evolution_oracle.py', gitDir, head, ...(Number.isFinite(cutoff) ? [String(cutoff)] : [])];
  const { stdout, stderr, status } = spawnSync(python, args, { encoding: 'utf8', maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(stderr);
  const unreadable = new Set(stderr.split('\n').flatMap((line) => /^unreadable (.*)$/.exec(line)?.[1] ?? []));
  const theirs = new Set(stdout.split('\n').filter(Boolean).flatMap((line) => {
    const [commit, places] = JSON.parse(line) as [string, [string, number, number][]];
    return places.map(([path, start, end]) => `${commit} ${path} ${start} ${end}`);
  }));
  const ours = new Set<string>();
  for await (const { id, items } of replay({ gitDir, head }, { identity: 'assertion', cutoff }, newCounts())) {
    for (const { candidate: { file, source, start, end } } of items) ours.add(`${id} ${file} ${source.byteOf(start)} ${source.byteOf(end)}`);
  }
  return {
    both: [...ours].filter((place) => theirs.has(place)).length,
    onlyOurs: [...ours].filter((place) => !theirs.has(place)),
    onlyOracle: [...theirs].filter((place) => !ours.has(place)),
    unreadable,
  };
}
