/**
 * The smoke profile end to end, twice: through the notebooks, and by `reproduce` killed again and again. Both must end
 * with the same predictions, byte for byte.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { readLikelihoods } from '../../lib/dist/eval/predictions-parquet.js';
import { type Audit, STEPS } from '../../lib/dist/lab/audit/audit.js';
import { HEADLINE } from '../../lib/dist/lab/plan.js';
import { Random } from '../../lib/dist/store/random.js';

/** The browser test shows these results, so they stay. */
const viaNotebooks = resolve('test/output/smoke'), killed = resolve('test/output/killed');
const MOST_MS = 1_800_000;
const KILLS = 8;

function start(args: string[], output: string) {
  const child = spawn(process.execPath, args, { env: { ...process.env, CODE2LORA_OUTPUT: output, CODE2LORA_PROFILE: 'smoke' }, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (d) => { text += d; });
  child.stderr.on('data', (d) => { text += d; });
  return { child, text: () => text };
}

async function finish(args: string[], output: string): Promise<void> {
  const { child, text } = start(args, output);
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0, text().slice(-3000));
}

/** Moments from loading the engine to the last table: early ones are drawn more often, as every start begins with them. */
async function reproduceKilled(): Promise<number> {
  const command = ['lib/bin/code2lora.js', 'reproduce', '--profile', 'smoke'];
  const seed = Date.now(), random = new Random(seed);
  console.log(`moments of the kills: seed ${seed}`);
  let kills = 0;
  for (let i = 0; i < KILLS; i++) {
    const { child } = start(command, killed);
    const ended = once(child, 'close');
    const timer = setTimeout(() => child.kill('SIGKILL'), 1500 + random.below(8000));
    const [, signal] = (await ended) as [number | null, string | null];
    clearTimeout(timer);
    if (signal === 'SIGKILL') kills++;
    // On a fast machine it may have come to its end: from the beginning again.
    else rmSync(killed, { recursive: true, force: true });
  }
  await finish(command, killed);
  return kills;
}

/** What the audit measured under the own, the average and each other repository's adapter is what the run has of the same tasks. */
async function auditAgrees(results: string): Promise<void> {
  const [file] = readdirSync(join(results, 'audits')).filter((name) => name.endsWith('.json'));
  const { run, suites } = JSON.parse(readFileSync(join(results, 'audits', file!), 'utf8')) as Audit;
  const rows = await readLikelihoods(join(results, 'runs', run, 'likelihoods.parquet'));
  const natsOf = (adapter: string, tasks: readonly string[]) => {
    const found = rows.filter((row) => row.adapter === adapter && tasks.includes(row.taskId));
    assert.equal(found.length, tasks.length);
    return found.reduce((sum, { targetNats }) => sum + targetNats, 0);
  };
  assert.deepEqual(suites.map(({ suite }) => suite), ['CR', 'IR']);
  for (const { suite, repositories, tasks, tokens, nats, steps } of suites) {
    repositories.forEach((repository, row) => {
      const same = (measured: number, adapter: string) => assert.ok(Math.abs(measured - natsOf(adapter, tasks[row]!)) < 1e-3 * tokens[row]!, `${suite} ${repository} ${adapter}`);
      same(nats[row]![row]!, 'own');
      same(steps[row]![STEPS.indexOf(1)]!, 'own');
      same(steps[row]![STEPS.indexOf(0)]!, 'average');
      // In CR the other repository is the next of the split, and all of the split are audited.
      if (suite === 'CR') same(nats[row]![(row + 1) % repositories.length]!, 'other');
    });
  }
}

test('notebooks and a killed reproduce end alike', { timeout: MOST_MS }, async () => {
  for (const folder of [viaNotebooks, killed]) rmSync(folder, { recursive: true, force: true });
  const [, kills] = await Promise.all([finish(['scripts/notebooks/run.mjs'], viaNotebooks), reproduceKilled()]);
  assert.ok(kills >= KILLS / 2, `killed ${kills} times`);
  const runs = (folder: string) => readdirSync(join(folder, 'results', 'smoke', 'runs')).sort();
  // The notebooks make these runs, and those of their ablations.
  assert.deepEqual(runs(killed).filter((run) => !runs(viaNotebooks).includes(run)), []);
  assert.equal(runs(killed).length, HEADLINE.reduce((n, plan) => n + plan.methods.length * plan.seeds.length, 0));
  for (const run of runs(killed)) {
    const rows = (folder: string) => readFileSync(join(folder, 'results', 'smoke', 'runs', run, 'predictions.parquet'));
    assert.ok(rows(killed).equals(rows(viaNotebooks)), `${run} differs`);
  }
  await auditAgrees(join(viaNotebooks, 'results', 'smoke'));
  for (const file of ['tables/table2-static.md', 'tables/table3-evolution.csv', 'tables/own-vs-other.tex', 'figures/main-static.json']) {
    assert.ok(existsSync(join(killed, 'results', 'smoke', file)), file);
  }
});
