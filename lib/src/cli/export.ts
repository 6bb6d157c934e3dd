/** `export`: all tables and figures of a profile, from its stored runs. Makes no run; says which are missing. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { docs, results } from '../lab/paths.js';
import { type PlannedRun, readPlanned, readStudies } from '../lab/run-store.js';
import { profileNamed, profiles } from '../profiles.js';
import { reproductionPage } from '../report/reproduction.js';
import { writeResults } from '../report/results.js';
import { writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';

export const USAGE = `Usage: npx code2lora export [options]

  --profile P   whose stored runs: smoke, synthetic, mini, pypi, coder, paper, or one under another model (mini@smollm2-135m); mini when absent
  --out DIR     gets tables/ and figures/; results/P when absent`;

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { profile: { type: 'string', default: 'mini' }, out: { type: 'string' } } });
  const profile = profileNamed(values.profile);
  const { runs, missing } = await readPlanned(profile);
  const make = `npx code2lora reproduce --profile ${profile.name}`;
  if (runs.length === 0) throw new UserError(`There are no stored runs of ${profile.name}, so no tables: make them with ${make} (--all for every method).`);
  const { files, skipped } = await writeResults(runs, await readStudies(profile), values.out ? resolve(values.out) : results(profile.name));
  console.log(`From ${runs.length} runs:\n${files.map((file) => `  ${file}`).join('\n')}`);
  // Made-up repositories of the smallest profile say nothing about the paper.
  const told = profiles.filter(({ name }) => name !== 'smoke');
  if (!values.out && told.some(({ name }) => name === profile.name)) {
    writeFileAtomic(docs('reproduction.md'), reproductionPage(told, (name) => results(name, 'tables', 'claims.md')));
    console.log(`  ${docs('reproduction.md')}`);
  }
  for (const reason of skipped) console.log(`Left out: ${reason}`);
  if (missing.length) console.log(`\nNot stored, so not in the tables; ${make} --all makes them:\n${list(missing)}`);
}

/** `  static, seed 1234: rag, paw` */
function list(missing: readonly PlannedRun[]): string {
  const groups = new Map<string, string[]>();
  for (const { track, seed, method } of missing) {
    const group = `${track}, seed ${seed}`;
    groups.set(group, [...(groups.get(group) ?? []), method]);
  }
  return [...groups].map(([group, names]) => `  ${group}: ${names.join(', ')}`).join('\n');
}
