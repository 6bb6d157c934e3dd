/**
 * Times everything in measures.mjs, each size in a process of its own, so that its memory is its own:
 * `npm run bench -- scaling` writes docs/measured/scaling.csv (10 minutes on 2 cores), from which page.mjs writes the page.
 * `node scripts/bench/scaling/measure.mjs NAME OF SIZE` times one and prints it.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inRoot } from '../../setup/paths.mjs';

const own = fileURLToPath(import.meta.url);
const [name, of, size] = process.argv.slice(2);
// Repositories are curated and read into a cache that goes with the process.
const output = name ? mkdtempSync(join(tmpdir(), 'code2lora-scaling-')) : undefined;
if (output) process.env.CODE2LORA_OUTPUT = output;
const { measures } = await import('./measures.mjs');

if (name) {
  const work = await measures.find((m) => m.name === name && m.of === of).prepare(Number(size));
  let seconds = Infinity;
  // The second time, all that is made once is there.
  for (let round = 0; round < 2; round++) {
    const began = performance.now();
    await work();
    seconds = Math.min(seconds, (performance.now() - began) / 1000);
  }
  console.log(JSON.stringify({ seconds, gigabytes: process.resourceUsage().maxRSS / 2 ** 20 }));
  rmSync(output, { recursive: true, force: true });
} else {
  const rows = ['measure,of,size,seconds,gigabytes'];
  for (const { name, of, sizes } of measures) {
    for (const size of sizes) {
      const { seconds, gigabytes } = JSON.parse(execFileSync(process.execPath, [own, name, of, String(size)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim().split('\n').at(-1));
      rows.push([name, of, size, seconds.toFixed(3), gigabytes.toFixed(2)].join(','));
      console.log(rows.at(-1));
    }
  }
  mkdirSync(inRoot('docs', 'measured'), { recursive: true });
  writeFileSync(inRoot('docs', 'measured', 'scaling.csv'), `${rows.join('\n')}\n`);
}
