/**
 * Sweeps on a real Slurm, on the smoke profile: an array with a run that fails, one that is cancelled from outside, a node that
 * goes down and comes back, a sweep that is killed and one that is interrupted.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, noSlurm, startCluster } from './cluster.js';

const output = resolve('test/output/slurm');
const options = { timeout: 900_000, skip: noSlurm };
const learning = { steps: 40, validateEvery: 5 };
const ONE = { name: 'one', method: 'single-lora', learning }, TWO = { name: 'two', method: 'code2lora-static', learning: { ...learning, headWidth: 16 } };
const WRONG = { name: 'wrong', method: 'single-lora', learning: { ...learning, keptAfter: 7 } };
/** What it shares with others cannot be made: files that may be asked about are not read. */
const UNREADABLE = { name: 'unreadable', method: 'code2lora-static', learning, encoder: { files: 'tests' } };
/** Long enough to do something to it. */
const LONG = { name: 'long', method: 'code2lora-static', learning: { steps: 100_000, validateEvery: 100_000 } };

let cluster: Cluster;
before(async () => {
  if (noSlurm) return;
  rmSync(output, { recursive: true, force: true });
  cluster = await startCluster();
});
after(async () => {
  if (!noSlurm) await cluster.stop();
});

const program = (runs: readonly object[]): string => `
  import { openWorkspace } from ${JSON.stringify(resolve('lib/dist/index.js'))};
  const lab = openWorkspace({ profile: 'smoke', progress: ({ stage, done, total, note }) => console.log(stage + ' ' + done + '/' + total + ' ' + (note ?? '')) });
  await lab.sweep(${JSON.stringify(runs)}, { on: 'slurm', slurm: { time: '30:00', cpus: 1, concurrency: 2 } }).then(
    (runs) => console.log('ENDED WELL ' + runs.map(({ name, record }) => name + ' ' + record.method).join(', ')),
    (error) => console.log('ENDED BADLY ' + error.message.replaceAll('\\n', ' | ')));
`;

class Sweep {
  readonly child: ChildProcess;
  text = '';
  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, args, { env: { ...cluster.env, CODE2LORA_OUTPUT: output }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout!, this.child.stderr!]) stream.setEncoding('utf8').on('data', (text: string) => { this.text += text; });
  }
  async says(wanted: RegExp): Promise<string> {
    for (;;) {
      const found = wanted.exec(this.text);
      if (found) return found[0];
      assert.ok(this.child.exitCode === null && this.child.signalCode === null, `it ended without saying ${wanted}:\n${this.text.slice(-2000)}`);
      await sleep(50);
    }
  }
}
const sweep = (...runs: object[]): Sweep => new Sweep(['--input-type=module', '-e', program(runs)]);
const stored = (): string[] => (existsSync(join(output, 'results/smoke/runs')) ? readdirSync(join(output, 'results/smoke/runs')) : []);
/** Jobs that wait or run, one line each: `12_0 RUNNING`. */
const queued = (): string[] => cluster.ask('squeue', '--noheader', '--array', '--format=%i %T').split('\n').filter(Boolean);
/** The number of the newest job: a job that is sent raises it. */
const newest = (): number => Math.max(...[...cluster.ask('scontrol', 'show', 'job', '--oneliner').matchAll(/^JobId=(\d+)/gm)].map(([, id]) => Number(id)));
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let look = 0; !holds(); look++) {
    assert.ok(look < 600, `${what}: ${queued().join(', ')}`);
    await sleep(200);
  }
}
const running = (): string | undefined => queued().find((line) => /^\d+_0 RUNNING/.test(line))?.split(' ')[0];

test('an array: what fails is named, the others are stored, and only what is missing is sent again', options, async () => {
  const first = sweep(ONE, TWO, WRONG, UNREADABLE), end = await first.says(/ENDED .*/);
  assert.match(end, /^ENDED BADLY 2 of 4 runs failed; /);
  assert.match(end, / \| wrong: Nothing is kept after 7 passes/);
  assert.match(end, / \| unreadable: .*halved/);
  assert.match(first.text, /what the runs share: /, 'the first job says how far it is');
  assert.match(first.text, /^two: training code2lora-static \d+\/40 /m, 'and so do the others');
  assert.equal(stored().length, 2);
  assert.deepEqual(queued(), []);
  const sent = newest();
  assert.equal(await sweep(ONE, TWO).says(/ENDED .*/), 'ENDED WELL one single-lora, two code2lora-static');
  assert.equal(newest(), sent, 'stored runs are not sent');
  assert.match(await sweep(ONE, TWO, WRONG).says(/ENDED .*/), /^ENDED BADLY 1 of 3 runs failed/);
  assert.equal(cluster.ask('scontrol', 'show', 'job', '--oneliner').split('\n').filter((line) => / ArrayJobId=\d+/.test(line) && Number(/JobId=(\d+)/.exec(line)![1]) > sent).length, 1, 'one job, of the run that failed');
});

test('a job that is cancelled from outside is told, with the end of its log', options, async () => {
  const cancelled = sweep(LONG);
  await cancelled.says(/^long: training .* loss /m);
  cluster.ask('scancel', running()!);
  const end = await cancelled.says(/ENDED .*/);
  assert.match(end, /long: its job \d+_0 ended as CANCELLED \(signal \d+\)\. Sweep again: only what is missing is sent/);
  assert.match(end, /Its log ends: .*CANCELLED/);
});

test('a node that goes down and comes back: Slurm starts the job anew, and the sweep goes on following it', options, async () => {
  const run = { ...ONE, name: 'again', seed: 1234, learning: { steps: 1500, validateEvery: 50 } };
  const following = sweep(run);
  await following.says(/^again: training .* loss /m);
  cluster.ask('scontrol', 'update', 'nodename=localhost', 'state=down', 'reason=test');
  await cluster.stopNode();
  await until('the job waits again', () => queued().some((line) => /_0 PENDING/.test(line)));
  await following.says(/0 running, 1 waiting \(.*\)/);
  cluster.startNode();
  assert.equal(await following.says(/ENDED .*/), 'ENDED WELL again single-lora');
});

test('a sweep that is killed leaves its jobs, which the next one follows; one that is interrupted cancels them', options, async () => {
  const killed = sweep(LONG);
  await killed.says(/^long: training .* loss /m);
  killed.child.kill('SIGKILL');
  await once(killed.child, 'close');
  const job = running(), sent = newest();
  assert.ok(job, 'the job runs on');
  const next = sweep(LONG);
  await next.says(/1 running, 0 waiting/);
  assert.equal(running(), job);
  assert.equal(newest(), sent, 'nothing was sent again');
  next.child.kill('SIGKILL');
  cluster.ask('scancel', job);
  await until('no job is left', () => queued().length === 0);

  const command = new Sweep(['lib/bin/code2lora.js', 'sweep', '--profile', 'smoke', '--on', 'slurm', '--time', '30:00', '--cpus', '1']);
  await until('its jobs are there', () => queued().length > 1);
  await sleep(1000);
  command.child.kill('SIGINT');
  const [code] = (await once(command.child, 'close')) as [number];
  assert.equal(code, 1);
  assert.match(command.text, /Stopped\. What is finished is kept/);
  await until('its jobs are cancelled', () => queued().length === 0);
});
