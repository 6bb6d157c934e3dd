/**
 * The pre-training text as one file of token ids (uint16), files separated by the EOS token.
 * Test files come in full, since assertions are what the benchmark asks for; other code fills up to the limit.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readArchive } from '../data/archive.js';
import { hashJson, sha256 } from '../store/hash.js';
import type { Progress } from '../store/progress.js';
import { Random } from '../store/random.js';
import type { Tokenizer } from '../text/tokenizer.js';

export interface TokenFile {
  /** Training tokens, then the held-out ones: whole projects that training never sees. */
  train: Uint16Array;
  heldOut: Uint16Array;
  /** UTF-8 bytes that the held-out tokens stand for, to turn nats a token into bits a byte. */
  heldOutBytes: number;
  files: number;
  /** Files left out, by reason. */
  dropped: Record<string, number>;
}

const HELD_OUT_PROJECTS = 4;
const HELD_OUT_FILES = 150;

interface Options {
  projects: { name: string; archive: string }[];
  /** Hashes of files that must not be seen: those of the evaluation corpus. */
  excluded: ReadonlySet<string>;
  tokens: number;
  seed: number;
}

/** Tells tokenizers of one size apart. */
const SAMPLE = 'def test_split():\n    assert ["naïve", 1_000] == parse("naïve 1_000")[0:2]  # as written\n';

/** Reads the archives (never running what is in them) and writes `<folder>/<key>.u16` once; the key names all that determines it. */
export function prepareTokens(folder: string, tokenizer: Tokenizer, options: Options, progress: Progress): TokenFile & { key: string } {
  const { projects, excluded, tokens, seed } = options, sample = tokenizer.encode(SAMPLE);
  const key = hashJson([projects.map((p) => p.archive.split('/').at(-1)), [...excluded].sort(), tokens, seed, tokenizer.vocabSize, sample, 3]).slice(0, 16);
  const path = join(folder, `${key}.u16`);
  if (!existsSync(path)) writeTokens(path, tokenizer, options, progress);
  const info = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as { train: number; heldOutBytes: number; files: number; dropped: Record<string, number> };
  const bytes = readFileSync(path);
  const all = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  return { ...info, key, train: all.subarray(0, info.train), heldOut: all.subarray(info.train) };
}

function writeTokens(path: string, tokenizer: Tokenizer, options: Options, progress: Progress): void {
  const { projects, excluded, tokens, seed } = options;
  const dropped: Record<string, number> = {};
  const drop = (reason: string) => { dropped[reason] = (dropped[reason] ?? 0) + 1; };
  const seen = new Set<string>();
  const order = new Random(seed).shuffle(projects);
  const heldOut: string[] = [], tests: string[] = [], code: string[] = [];
  order.forEach((project, i) => {
    progress({ stage: 'reading the pre-training text', done: i, total: order.length, note: project.name });
    let size = 0;
    const files = readArchive(project.archive).files
      .filter((f) => f.path.endsWith('.py'))
      .map((f) => ({ ...f, hash: sha256(f.bytes) }))
      .sort((a, b) => (a.hash < b.hash ? -1 : 1));
    for (const { path: name, bytes, hash } of files) {
      if (seen.has(hash)) { drop('copy'); continue; }
      seen.add(hash);
      if (excluded.has(hash)) { drop('in the evaluation corpus'); continue; }
      if (bytes.length > 300_000 || bytes.length < 200) { drop('too large or too small'); continue; }
      const text = Buffer.from(bytes).toString('utf8');
      if (text.includes('\uFFFD')) { drop('not UTF-8'); continue; }
      if (text.length / (text.split('\n').length + 1) > 120) { drop('generated (very long lines)'); continue; }
      if ((size += bytes.length) > 8_000_000) { drop('over 8 MB of one project'); continue; }
      (i < HELD_OUT_PROJECTS ? heldOut : /test/i.test(name) ? tests : code).push(text.replaceAll('\r\n', '\n'));
    }
  });

  const random = new Random(seed + 1);
  mkdirSync(join(path, '..'), { recursive: true });
  const file = openSync(`${path}.tmp`, 'w');
  let written = 0, files = 0, heldOutBytes = 0;
  const append = (text: string) => {
    const ids = Uint16Array.from([...tokenizer.encode(text), tokenizer.eos]);
    writeSync(file, new Uint8Array(ids.buffer));
    written += ids.length;
    files++;
  };
  // Test files first into the pool, then other code until there is enough; the order of training is random.
  const perToken = 3.9;
  let characters = 0;
  const pool = [...random.shuffle(tests), ...random.shuffle(code)].filter((t) => (characters += t.length) < tokens * perToken);
  const shuffled = random.shuffle(pool);
  shuffled.forEach((text, i) => {
    append(text);
    if (i % 200 === 0) progress({ stage: 'writing tokens', done: i, total: shuffled.length, note: `${(written / 1e6).toFixed(1)} M tokens` });
  });
  const train = written;
  for (const text of heldOut.slice(0, HELD_OUT_FILES)) {
    append(text);
    heldOutBytes += Buffer.byteLength(text);
  }
  closeSync(file);
  writeFileSync(`${path}.json`, JSON.stringify({ train, heldOutBytes, files, dropped }));
  renameSync(`${path}.tmp`, path);
}
