/**
 * One workload in this process and in a Python process with transformers, in turn, on all cores each: what else runs
 * on the machine then slows both alike. Compared are the fastest rounds.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { fixturesPython } from '../fixtures-python.mjs';
import { inRoot } from '../setup/paths.mjs';

/**
 * @param {object} workload
 * @param {object} workload.job what transformers_worker.py does in a round, and on what
 * @param {() => unknown} workload.ours does the same here, and returns the same result
 * @param {number} workload.amount of units a round
 * @param {string} workload.unit
 * @param {number} [workload.bar] by how much we should be faster
 * @param {number} [workload.rounds]
 * @param {string} [workload.python] that has torch and transformers
 * @returns {Promise<{ ours: unknown, theirs: unknown, best: number, ratio: number }>} results of the last round, to be
 *   compared, the seconds of our fastest, and how many times as fast that is
 */
export async function race({ job, ours, amount, unit, bar, rounds = 5, python = fixturesPython() }) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  writeFileSync(join(folder, 'job.json'), JSON.stringify(job));
  const worker = spawn(python, [inRoot('scripts', 'bench', 'transformers_worker.py'), join(folder, 'job.json')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, HF_HUB_OFFLINE: '1', TRANSFORMERS_VERBOSITY: 'error', HF_HUB_DISABLE_PROGRESS_BARS: '1' },
  });
  const lines = createInterface({ input: worker.stdout })[Symbol.asyncIterator]();
  const round = async () => {
    worker.stdin.write('\n');
    const { value, done } = await lines.next();
    if (done) throw new Error('the Python process ended early');
    return JSON.parse(value);
  };
  const times = { ours: [], theirs: [] };
  let results;
  try {
    // The first round of each fills caches and is not counted.
    for (let i = 0; i <= rounds; i++) {
      const began = performance.now();
      const result = ours();
      const seconds = (performance.now() - began) / 1000;
      const other = await round();
      results = { ours: result, theirs: other.result };
      if (i === 0) continue;
      times.ours.push(seconds);
      times.theirs.push(other.seconds);
    }
  } finally {
    worker.stdin.end();
    rmSync(folder, { recursive: true });
  }
  for (const [name, label] of [['ours', 'Code2LoRA Lab'], ['theirs', 'PyTorch']]) {
    const best = Math.min(...times[name]);
    console.log(`${label.padEnd(14)}${best.toFixed(2).padStart(7)} s ${(amount / best).toFixed(0).padStart(7)} ${unit}/s   (all rounds: ${times[name].map((t) => t.toFixed(2)).join(' ')})`);
  }
  const [best, theirs] = [Math.min(...times.ours), Math.min(...times.theirs)], ratio = theirs / best;
  console.log(`ratio ${ratio.toFixed(2)}${bar ? `, the bar is ${bar}: ${ratio >= bar ? 'reached' : 'BELOW THE BAR'}` : ''}`);
  if (ratio < bar) process.exitCode = 1;
  return { ...results, best, ratio };
}
