/**
 * One format, many damaged inputs: `reader.js FORMAT COUNT SEED` in a process of its own, so that a crash, a hang and memory are
 * seen from outside. An input is read, or refused with a UserError; anything else ends the process. Prints what it counted.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readArchive } from '../../lib/dist/data/archive.js';
import { readCommitRows, readTaskRows } from '../../lib/dist/data/dataset/dataset.js';
import { curate } from '../../lib/dist/data/curate.js';
import { gitSource } from '../../lib/dist/data/sources/git.js';
import { readCorpusFile } from '../../lib/dist/data/sources/corpus-file.js';
import { readTasks, writeTasks } from '../../lib/dist/data/tasks-parquet.js';
import type { Task } from '../../lib/dist/data/types.js';
import { readPredictions, writePredictions } from '../../lib/dist/eval/predictions-parquet.js';
import type { Prediction } from '../../lib/dist/eval/types.js';
import { readConfig } from '../../lib/dist/model/config-json.js';
import { UserError } from '../../lib/dist/store/errors.js';
import { openGguf } from '../../lib/dist/store/gguf/gguf.js';
import { silent } from '../../lib/dist/store/progress.js';
import { Random } from '../../lib/dist/store/random.js';
import { readSafetensors } from '../../lib/dist/store/safetensors.js';
import { TorchTensor } from '../../lib/dist/store/torch-file/tensor.js';
import { readTorchFile, type TorchValue } from '../../lib/dist/store/torch-file/torch-file.js';
import { loadTokenizer } from '../../lib/dist/text/tokenizer.js';
import { checkOut, git, makeRepository } from '../data/git-repositories.js';
import { tar, zip } from '../data/sources/archives.js';
import { damaged, damagedJson } from './mutate.js';

const [format, count, seed] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
const random = new Random(seed), place = mkdtempSync(join(tmpdir(), `fuzz-${format}-`));
process.once('exit', () => rmSync(place, { recursive: true, force: true }));

const fixtures = 'test/fixtures';
/** The files of these folders with one ending, whole. */
const files = (ending: string, ...folders: string[]): Buffer[] => folders.flatMap((folder) => readdirSync(join(fixtures, folder), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith(ending)).sort().map((name) => readFileSync(join(fixtures, folder, name))));
const PYTHON = ['def test_a(x):\n    assert f(x) == {"a": [1, 2]}\n', 'import m\n\n\nclass TestB:\n    def test_c(self):\n        self.assertEqual(m.g(), "é")\n', '# nothing\n'.repeat(200)];
const members = PYTHON.map((content, i) => ({ name: `p-1/tests/test_${i}.py`, content }));

async function drain(rows: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of rows);
}
/** Every tensor once: a value may stand in many places. */
function readAll(value: TorchValue, seen = new Set<TorchValue>()): void {
  if (typeof value !== 'object' || seen.has(value)) return;
  seen.add(value);
  if (value instanceof TorchTensor) value.read();
  else if (Array.isArray(value) || value instanceof Map) for (const item of value.values()) readAll(item, seen);
}

interface Format {
  /** Of the file that inputs are written to. */
  name: string;
  seeds: Buffer[];
  /** Where bytes changed anywhere are not what could go wrong. */
  damage?(from: Buffer): Buffer;
  read(path: string): unknown;
}

/** A dataset, tasks and predictions as this project writes them. */
async function parquetSeeds(): Promise<Buffer[]> {
  const repository = join(place, 'o/r.git');
  makeRepository(repository, PYTHON.map((text, i) => ({ files: { 'tests/test_a.py': text, 'a.py': `x = ${i}\n` } })));
  const source = gitSource([{ id: 'o/r', path: repository, licence: 'MIT', split: 'train' }], { cacheDir: place, cutoff: Number.POSITIVE_INFINITY }, silent);
  const folder = join(place, 'dataset');
  await curate(source, { track: 'evolution', options: { identity: 'assertion', prefix: 'structured', perCommit: 8, perFile: 4, cutoff: Number.POSITIVE_INFINITY, keepShared: true, keepShort: true } }, folder);
  const tables = (kind: string) => readdirSync(join(folder, kind)).map((name) => readFileSync(join(folder, kind, name)));
  const tasks: Task[] = [];
  for (const name of readdirSync(join(folder, 'qna'))) for await (const task of readTaskRows(join(folder, 'qna', name))) tasks.push(task);
  writeTasks(join(place, 'tasks.parquet'), tasks);
  writePredictions(join(place, 'p.parquet'), tasks.map(({ id, repo, commitIndex, target }): Prediction => ({
    taskId: id, repo, commitIndex, target, prediction: 'x', track: 'static', suite: 'CR', method: 'pretrained', adapter: 'none', seed: 1,
    strictEM: false, relaxedEM: true, editSimilarity: 0.5, codeBleu: 0.25,
  })));
  return [...tables('qna'), ...tables('commits'), readFileSync(join(place, 'tasks.parquet')), readFileSync(join(place, 'p.parquet'))];
}

async function formatOf(name: string): Promise<Format> {
  switch (name) {
    case 'parquet': {
      const seeds = await parquetSeeds();
      const readers = [(path: string) => drain(readTaskRows(path)), (path: string) => drain(readCommitRows(path)), readTasks, readPredictions];
      return { name: 'a.parquet', seeds, read: async (path) => {
        // By every reader: a file may be given as what it is not.
        const refusals: UserError[] = [];
        for (const read of readers) {
          try {
            await read(path);
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
            refusals.push(error);
          }
        }
        if (refusals.length === readers.length) throw refusals[0]!;
      } };
    }
    case 'safetensors': return { name: 'a.safetensors', seeds: files('.safetensors', 'peft', 'gguf', 'model/qwen2', 'adapt'), read: readSafetensors };
    case 'pt': return { name: 'a.pt', seeds: files('.pt', 'torch-file', 'adapt'), read: (path) => readAll(readTorchFile(path)) };
    case 'gguf': return { name: 'a.gguf', seeds: files('.gguf', 'gguf'), read: (path) => {
      const file = openGguf(path);
      try {
        for (const name of file.tensors.keys()) file.read(name);
      } finally {
        file.close();
      }
    } };
    case 'gguf-tokenizer': return { name: 'a.gguf', seeds: files('.gguf', 'gguf'), read: (path) => loadTokenizer(path).encode('def f(x): return "é" + x') };
    case 'tokenizer.json': return { name: 'tokenizer.json', damage: asValues, seeds: files('tokenizer.json', 'hub-tokenizer', 'gguf'), read: (path) => loadTokenizer(join(path, '..')).encode('def f(x): return "é" + x') };
    case 'config.json': return { name: 'config.json', damage: asValues, seeds: files('config.json', 'model'), read: readConfig };
    case 'wheel': return { name: 'a.whl', seeds: [zip(members), zip(members.slice(1))], read: (path) => readArchive(path) };
    case 'sdist': {
      const tars = [tar(members), tar(members.slice(1))], seeds = tars.map((bytes) => gzipSync(bytes));
      // The hash of gzip refuses nearly all: of every other input the tar within is damaged.
      return { name: 'a.tar.gz', seeds, read: (path) => readArchive(path), damage: (from) =>
        (random.below(2) ? gzipSync(damaged(tars[random.below(tars.length)]!, tars, random)) : damaged(from, seeds, random)) };
    }
    case 'corpus': return { name: 'corpus.json', damage: asValues, seeds: ['mini.json', 'mini-git.json'].map((file) => shortened(readFileSync(join('data/corpora', file), 'utf8'))), read: readCorpusFile };
    case 'pack': {
      const bare = join(place, 'r.git'), folder = join(place, 'clone');
      makeRepository(bare, Array.from({ length: 12 }, (_, i) => ({ files: { 'tests/test_a.py': PYTHON[i % 3]!.repeat(1 + i), 'a.py': `x = ${i}\n` } })));
      checkOut(bare, folder);
      git(join(folder, '.git'), ['repack', '-adq']);
      const packs = join(folder, '.git/objects/pack'), pack = readdirSync(packs).find((file) => file.endsWith('.pack'))!;
      const own = readFileSync(join(packs, pack));
      return { name: 'a.pack', seeds: [own], read: async (path) => {
        rmSync(join(packs, pack));
        cpSync(path, join(packs, pack));
        const source = gitSource([{ id: 'o/r', path: folder, licence: 'MIT', split: 'train' }], { cacheDir: place, cutoff: Number.POSITIVE_INFINITY, whole: true }, silent);
        await curate(source, { track: 'evolution', options: { identity: 'assertion', prefix: 'structured', perCommit: 8, perFile: 4, cutoff: Number.POSITIVE_INFINITY } }, join(place, 'dataset'));
      } };
    }
    default: throw new Error(`no format ${name}`);
  }
}

/** Damaged as values rather than as bytes. */
const asValues = (from: Buffer): Buffer => damagedJson(from.toString('utf8'), random);

/** The first entries of a corpus file. */
function shortened(text: string): Buffer {
  const json = JSON.parse(text) as Record<string, unknown>;
  for (const list of ['projects', 'repositories']) if (Array.isArray(json[list])) json[list] = json[list].slice(0, 4);
  const names = new Set((json['projects'] as { name: string }[] | undefined)?.map(({ name }) => name));
  if (json['releases']) json['releases'] = Object.fromEntries(Object.entries(json['releases'] as object).filter(([name]) => names.has(name)));
  return Buffer.from(JSON.stringify(json));
}

const { name, seeds, damage = (from) => damaged(from, seeds, random), read } = await formatOf(format);
const folder = join(place, 'input');
mkdirSync(folder);
const path = join(folder, name);
// What is not damaged is read, but for fixtures that are there to be refused.
let readable = 0;
for (const seed of seeds) {
  writeFileSync(path, seed);
  try {
    await read(path);
    readable++;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
}
if (!readable) throw new Error(`no undamaged ${format} is read`);
let refused = 0, slowest = 0;
for (let i = 0; i < count; i++) {
  const from = seeds[random.below(seeds.length)]!;
  const bytes = damage(from);
  writeFileSync(path, bytes);
  const began = performance.now();
  try {
    await read(path);
  } catch (error) {
    if (!(error instanceof UserError) || error.message.includes('\n')) {
      const kept = join(tmpdir(), `fuzz-${format}-${seed}-${i}-${name}`);
      writeFileSync(kept, bytes);
      throw new Error(`input ${i} of ${format} (seed ${seed}, kept as ${kept}): ${String(error).slice(0, 300)}`);
    }
    refused++;
  }
  slowest = Math.max(slowest, performance.now() - began);
}
console.log(JSON.stringify({ read: count - refused, refused, slowest: slowest / 1000, megabytes: process.resourceUsage().maxRSS / 1024 }));
