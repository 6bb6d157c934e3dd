/** `reproduce`: from repositories to the table and the figure of one profile. Goes on where an earlier one stopped. */
import { parseArgs } from 'node:util';
import { device } from '../engine/tensorflow.js';
import { results } from '../lab/paths.js';
import { openWorkspace } from '../lab/workspace.js';
import { writeResults } from '../report/results.js';
import { duration, terminalProgress } from './terminal-progress.js';

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { profile: { type: 'string', default: 'mini' } } });
  const began = Date.now();
  const lab = openWorkspace({ profile: values.profile, progress: terminalProgress(), recompute: true });
  console.log(`Profile ${lab.profile.name}: ${lab.profile.description}. Computing on ${device()}.`);
  const predictions = await lab.predictions();
  const { table, files, skipped } = await writeResults(predictions, results(lab.profile.name));
  console.log(`\n${table}\n`);
  console.log(`Written in ${duration(Date.now() - began)}:\n${files.map((f) => `  ${f}`).join('\n')}`);
  for (const reason of skipped) console.log(`Left out: ${reason}`);
}
