/**
 * Sweeps on the smoke profile: a run that fails does not end the others; processes that are killed, and a parent that is
 * killed, lose nothing; and a pool ends with the bits of a single process.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const single = resolve('test/output/sweep-single'), pool = resolve('test/output/sweep-pool');
const MOST_MS = 900_000;

const learning = { steps: 40, validateEvery: 5 };
const RUNS = [{ name: 'one', method: 'single-lora', learning }, { name: 'two', method: 'code2lora-static', learning: { ...learning, headWidth: 16 } }];

/** A process that sweeps, and says on its output how far it is and how it ended. */
const program = (runs: readonly object[], workers: number): string => `
  import { openWorkspace } from ${JSON.stringify(resolve('lib/dist/index.js'))};
  const lab = openWorkspace({ profile: 'smoke', progress: ({ stage, done }) => console.log(stage + ' ' + done) });
  await lab.sweep(${JSON.stringify(runs)}, { workers: ${workers} }).then(
    (runs) => console.log('ENDED WELL ' + runs.map(({ name, record }) => name + ' ' + record.method).join(', ')),
    (error) => console.log('ENDED BADLY ' + error.message.replaceAll('\\n', ' | ')));
`;

class Sweep {
  readonly child: ChildProcess;
  #text = '';

  constructor(output: string, workers: number, runs: readonly object[] = RUNS) {
    this.child = spawn(process.execPath, ['--input-type=module', '-e', program(runs, workers)], {
      env: { ...process.env, CODE2LORA_OUTPUT: output }, stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => { this.#text += text; });
  }

  /** The first line that matches. */
  async says(wanted: RegExp): Promise<string> {
    for (;;) {
      const line = this.#text.split('\n').slice(0, -1).find((text) => wanted.test(text));
      if (line) return line;
      assert.equal(this.child.exitCode, null, `it ended without saying ${wanted}:\n${this.#text.slice(-500)}`);
      await sleep(20);
    }
  }

  async ended(): Promise<string> {
    const line = await this.says(/^ENDED/);
    if (this.child.exitCode === null) await once(this.child, 'exit');
    return line;
  }

  workers(): number[] {
    return readdirSync('/proc').map(Number).filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/status`, 'utf8').includes(`\nPPid:\t${this.child.pid}\n`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('sweep-worker');
      } catch {
        return false;
      }
    });
  }
}

const alive = (pid: number): boolean => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

test('a sweep in one process: what fails is named at the end, the others are stored', { timeout: MOST_MS }, async () => {
  // What does not belong to these runs (tasks, the tiny model) stays from an earlier test.
  for (const folder of ['results', 'data/cache/smoke/runs', 'data/cache/smoke/trained']) rmSync(join(single, folder), { recursive: true, force: true });
  const wrong = { name: 'wrong', method: 'no-such-method' };
  const first = await new Sweep(single, 1, [RUNS[0]!, wrong, RUNS[1]!]).ended();
  assert.match(first, /^ENDED BADLY 1 of 3 runs failed; .* \| wrong: There is no method "no-such-method"/);
  assert.equal(stored(single).length, 2);
  const again = new Sweep(single, 1);
  assert.equal(await again.ended(), 'ENDED WELL one single-lora, two code2lora-static');
  await assert.rejects(again.says(/training/), 'nothing was trained again');
});

test('a pool of two: a killed worker is reported, a killed parent takes its workers along, and the end is the same', {
  timeout: MOST_MS, skip: process.platform !== 'linux' && 'reads /proc',
}, async () => {
  rmSync(pool, { recursive: true, force: true });
  cpSync(join(single, 'data', 'cache'), join(pool, 'data', 'cache'), { recursive: true, filter: (path) => !/smoke\/(runs|trained)/.test(path) });

  const killedWorker = new Sweep(pool, 2);
  await Promise.all([killedWorker.says(/^one: training \S+ \d+$/), killedWorker.says(/^two: training \S+ \d+$/)]);
  process.kill(killedWorker.workers()[0]!, 'SIGKILL');
  assert.match(await killedWorker.ended(), /^ENDED BADLY 1 of 2 runs failed; .* \| (one|two): its process was ended by SIGKILL/);
  assert.equal(stored(pool).length, 1, 'the other run is stored');

  const killedParent = new Sweep(pool, 2);
  await killedParent.says(/training/);
  const workers = killedParent.workers();
  assert.equal(workers.length, 1);
  killedParent.child.kill('SIGKILL');
  for (let waited = 0; workers.some(alive) && waited < 60_000; waited += 100) await sleep(100);
  assert.deepEqual(workers.filter(alive), [], 'no worker outlives its parent');

  assert.equal(await new Sweep(pool, 2).ended(), 'ENDED WELL one single-lora, two code2lora-static');
  assert.deepEqual(stored(pool), stored(single));
  for (const id of stored(pool)) {
    const predictions = (output: string) => readFileSync(join(output, 'results/smoke/runs', id, 'predictions.parquet'));
    assert.ok(predictions(pool).equals(predictions(single)), `${id} has the same predictions`);
    const losses = (output: string) => (JSON.parse(readFileSync(join(output, 'results/smoke/runs', id, 'run.json'), 'utf8')) as { losses: unknown }).losses;
    assert.deepEqual(losses(pool), losses(single), `${id} has the same losses`);
  }
});

const stored = (output: string): string[] => readdirSync(join(output, 'results', 'smoke', 'runs')).sort();
