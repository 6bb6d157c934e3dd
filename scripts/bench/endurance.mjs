/**
 * Does a long run keep its memory? Runs the command line in this process and writes, twice a minute, how much of it is in
 * memory and how many tensors the engine holds: `node scripts/bench/endurance.mjs OUT.csv reproduce --profile coder`. Several
 * commands, with `+` between them, run one after the other in the same process.
 * What was kept is docs/measured/endurance.csv, drawn by `npm run bench -- scaling-page`.
 */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { tf } from '../../lib/dist/engine/tensorflow.js';
import { main } from '../../lib/dist/cli/main.js';

const [out, ...command] = process.argv.slice(2);
if (!out || command.length === 0) throw new Error('Usage: node scripts/bench/endurance.mjs OUT.csv COMMAND [options]');
if (!existsSync(out)) writeFileSync(out, 'time,process,resident_mb,tensors,tensor_mb,heap_mb\n');

const mb = (bytes) => (bytes / 2 ** 20).toFixed(1);
const sample = () => {
  const { rss, heapUsed } = process.memoryUsage(), { numTensors, numBytes } = tf.memory();
  appendFileSync(out, `${new Date().toISOString()},${process.pid},${mb(rss)},${numTensors},${mb(numBytes)},${mb(heapUsed)}\n`);
};
/** No timer fires while a stage computes without a pause, but every stage tells how far it is. */
const tell = process.stderr.write.bind(process.stderr);
let last = 0;
process.stderr.write = (...message) => {
  if (Date.now() - last >= 30_000) {
    last = Date.now();
    sample();
  }
  return tell(...message);
};
const commands = command.join('\n').split('\n+\n').map((words) => words.split('\n'));
for (const words of commands) await main(words);
sample();
