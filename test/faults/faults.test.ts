/**
 * What happens to a `reproduce` that is killed, stopped, out of disk, in a read-only folder, or beside damaged files: no wrong
 * number, nothing finished lost, one line that says what happened, and the next run goes on. A few of each here;
 * `npm test -- faults` takes 100 kills, 20 moments of a full disk and every kind of file.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { Random } from '../../lib/dist/store/random.js';
import { endedWithLine, full, goesOn, hasEnded, reproduce, STACK } from './reproduce.js';

const seed = Date.now(), random = new Random(seed);
console.log(`faults: seed ${seed}`);
const place = mkdtempSync(join(tmpdir(), 'code2lora-faults-')), whole = join(place, 'whole');
const timeout = 7_200_000;
/** Of an undisturbed run. */
let seconds = 0;

before(async () => {
  const { code, text, seconds: took } = await reproduce(whole);
  assert.equal(code, 0, text.slice(-1500));
  seconds = took;
}, { timeout });
after(() => rmSync(place, { recursive: true, force: true }));

test('killed, interrupted, ended', { timeout }, async (t) => {
  const output = join(place, 'signals'), count = { SIGKILL: 0, SIGINT: 0, SIGTERM: 0 };
  const signals = random.shuffle(Object.entries({ SIGKILL: full ? 100 : 1, SIGINT: full ? 20 : 1, SIGTERM: full ? 20 : 1 })
    .flatMap(([signal, times]) => Array<keyof typeof count>(times).fill(signal as keyof typeof count)));
  let ended = 0;
  for (let signal = signals.pop(); signal; ) {
    // From loading the engine to the last table: an early moment is drawn more often, as every start begins with it.
    const end = await reproduce(output, { stop: { after: 500 + random.below(Math.max(4000, seconds * 250)), signal } });
    assert.doesNotMatch(end.text, STACK, `a stack after ${signal}`);
    if (end.signal === signal) {
      count[signal]++;
      signal = signals.pop();
      if (signal) continue;
    } else assert.equal(end.code, 0, end.text.slice(-1500));
    await goesOn(output, whole, JSON.stringify(count));
    ended++;
    rmSync(output, { recursive: true });
  }
  t.diagnostic(`stopped ${JSON.stringify(count)} times; ${ended} runs ended as an undisturbed one, 0 wrong numbers`);
});

/** @param options of mount; a file system that only root can have made */
const mounted = (folder: string, options: string, remount = false): boolean => {
  mkdirSync(folder, { recursive: true });
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `${remount ? 'remount,' : ''}${options}`, 'tmpfs', folder]).status === 0;
};
const mayMount = (() => {
  const probe = join(place, 'probe');
  return mounted(probe, 'size=64k') && spawnSync('umount', [probe]).status === 0;
})();
const noMount = mayMount ? false : 'only root may make a small disk';

test('a disk that is full, and one that is read-only for a while', { timeout, skip: noMount }, async (t) => {
  const moments = full ? 20 : 2, output = join(place, 'small');
  const needed = Number(execFileSync('du', ['-sk', whole], { encoding: 'utf8' }).split('\t')[0]);
  let fulls = 0;
  try {
    for (let i = 0; i < moments; i++) {
      const size = Math.round((needed * (i + 0.1 + 0.8 * random.next())) / moments);
      assert.ok(mounted(output, `size=${size}k`, i > 0));
      const ended = await reproduce(output);
      if (ended.code === 0) break;
      endedWithLine(ended, /The disk is full/, `${size} kB`);
      fulls++;
    }
    assert.ok(mounted(output, 'ro', true));
    endedWithLine(await reproduce(output), /read-only.*CODE2LORA_OUTPUT/, 'a read-only folder');
    assert.ok(mounted(output, `rw,size=${4 * needed}k`, true));
    await goesOn(output, whole, `${fulls} times a full disk`);
  } finally {
    spawnSync('umount', [output]);
  }
  assert.ok(fulls >= moments / 2, `full ${fulls} times`);
  t.diagnostic(`a disk that was full at ${fulls} moments, 0 wrong numbers`);
});

test('a clock that jumps back by a day', { timeout, skip: !full && 'npm test -- faults asks for it' }, async () => {
  const output = join(place, 'clock'), jump = join(place, 'jump.mjs');
  writeFileSync(jump, `const now = Date.now, from = now() + ${Math.round(300 * seconds)};
Date.now = () => (now() > from ? now() - 86_400_000 : now());
globalThis.Date = class extends Date { constructor(...args) { args.length ? super(...args) : super(Date.now()); } };
Date.now = () => (now() > from ? now() - 86_400_000 : now());
`);
  const { code, text } = await reproduce(output, { node: ['--import', jump] });
  assert.equal(code, 0, text.slice(-1500));
  await goesOn(output, whole, 'a clock that jumped');
});

/** Stages in the order in which one is made from those before it; what is made from a damaged file is taken away, so that the file is read. */
const STAGES = [/^data\/cache\/synthetic\//, /\/smoke\/corpus-/, /\/smoke\/base-/, /\/smoke\/evolution-/, /\/windows\//, /\/vectors-/, /\/commit-vectors-/, /\/trained\//, /\/cache\/smoke\/runs\//, /^results\/smoke\/runs\//, /^results\/smoke\/(?!runs)/];
const stageOf = (path: string): number => STAGES.findIndex((stage) => stage.test(path));
/** Tasks, answers and records: damage to them is told, whatever is made again. (Of tensors: test/store/sums.test.ts.) */
const TOLD = /\.parquet$|\/run\.json$/;
/** A file's kind: its path without what tells it from its like. */
const kindOf = (path: string): string => path.replace(/[0-9a-f]{12,}/g, 'H').replace(/(windows\/H)\/..\/(?:H|[0-9a-f]+)/, '$1/H')
  .replace(/synthetic-\d+[^/]*/g, 'S').replace(/(objects)\/..\//, '$1/').replace(/runs\/(static|evolution)-.*-s\d+-H/, 'runs/R')
  .replace(/(predictions|likelihoods-H)-\w+-\w+\.parquet/, '$1.parquet').replace(/trained\/\w+-s\d+-H/, 'trained/T').replace(/(tables|figures)\/.*\.(\w+)$/, '$1/F.$2');

test('every kind of stored file truncated, and with one byte changed', { timeout }, async (t) => {
  const output = join(place, 'harmed');
  const kinds = new Map<string, string[]>();
  for (const file of readdirSync(whole, { recursive: true, withFileTypes: true })) {
    const path = relative(whole, join(file.parentPath, file.name));
    if (file.isFile() && statSync(join(whole, path)).size > 0 && !/\.lock$|\.jsonl$/.test(path)) kinds.set(kindOf(path), [...(kinds.get(kindOf(path)) ?? []), path]);
  }
  assert.deepEqual([...kinds].filter(([, [path]]) => stageOf(path!) < 0), [], 'kinds of no stage');
  const asked = full ? [...kinds.values()].flatMap((paths) => [paths, paths]) : random.shuffle([...kinds.values()]).slice(0, 2);
  let damages = 0, said = 0;
  const untold: string[] = [];
  for (const [i, paths] of asked.entries()) {
    const path = paths[random.below(paths.length)]!, how = i % 2 ? 'truncated' : 'with a byte changed';
    rmSync(output, { recursive: true, force: true });
    cpSync(whole, output, { recursive: true });
    for (const name of readdirSync(output, { recursive: true, encoding: 'utf8' })) {
      if (stageOf(name) > stageOf(path) && existsSync(join(output, name))) rmSync(join(output, name), { recursive: true });
    }
    const bytes = readFileSync(join(output, path)), at = random.below(bytes.length);
    if (how === 'truncated') truncateSync(join(output, path), at);
    else {
      bytes[at]! ^= 1 << random.below(8);
      // git's objects are read-only.
      rmSync(join(output, path));
      writeFileSync(join(output, path), bytes);
    }
    const first = await reproduce(output);
    if (first.code !== 0) {
      // What cannot be made again by itself says what to delete.
      endedWithLine(first, /delete (\S+)/, `${path} ${how}`);
      const [, named] = /delete (\S+?)[,:;.]?\s/.exec(first.text)!;
      assert.ok(named!.startsWith(output) && existsSync(named!), `${path} ${how}: the remedy names ${named}`);
      rmSync(named!, { recursive: true });
    }
    if (/ is damaged and is made again|delete \S/.test(first.text)) said++;
    else if (TOLD.test(path)) untold.push(`${path} ${how}, byte ${at}`);
    await goesOn(output, whole, `${path} ${how}, byte ${at} of ${bytes.length}`);
    damages++;
  }
  assert.deepEqual(untold, [], 'damage that nobody told');
  t.diagnostic(`${damages} files of ${kinds.size} kinds damaged, ${said} told, 0 wrong numbers`);
});

test('damaged weights of the model that comes with the project', { timeout }, async () => {
  const project = join(place, 'project');
  for (const part of ['lib/dist', 'lib/bin', 'lib/package.json', 'data/models']) cpSync(part, join(project, part), { recursive: true });
  symlinkSync(resolve('node_modules'), join(project, 'node_modules'));
  const model = join(project, 'data/models/nano-coder');
  for (const name of ['model.safetensors', 'tokenizer.json', 'config.json']) {
    const path = join(model, name), bytes = readFileSync(path), at = random.below(bytes.length);
    bytes[at]! ^= 1 << random.below(8);
    writeFileSync(path, bytes);
    endedWithLine(await reproduce(join(place, 'weights'), { program: join(project, 'lib/bin/code2lora.js') }), new RegExp(`${name.replace('.', '\\.')} is not there, or damaged: restore it with "git checkout`), `byte ${at} of ${name} changed`);
    cpSync(join('data/models/nano-coder', name), path);
  }
  assert.ok(!hasEnded(join(place, 'weights')));
});
