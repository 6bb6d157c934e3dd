/** `reproduce`: from repositories to the tables and figures of one profile. Goes on where an earlier one stopped. */
import { parseArgs } from 'node:util';
import { device, unusedGpu } from '../engine/tensorflow.js';
import { results } from '../lab/paths.js';
import { ALL, headlineOf, plansOf, unanswered } from '../lab/plan.js';
import { readPlanned, readStudies } from '../lab/run-store.js';
import { conditions, headroom, moreRepositories, trainingLength } from '../lab/studies.js';
import { writeResults } from '../report/results.js';
import { asPublished, hasRoom } from '../train/examples.js';
import { chosenWorkspace, WORKSPACE } from './options.js';
import { stageTimes } from './stage-times.js';
import { duration, terminalProgress } from './terminal-progress.js';

export const USAGE = `Usage: npx code2lora reproduce [options]

  --profile P    smoke, synthetic, mini, pypi, coder or paper; mini when absent
  --base MODEL   another frozen model than the profile's: a pinned one (data/models), a folder, a GGUF file or a hub id
  --mirror DIR   bare clones, DIR/OWNER/NAME.git, for profiles of git repositories
  --all          all methods, under three seeds what is trained, and the studies of several trainings

Stopped at any moment, the same command goes on where it was.`;

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: {
    ...WORKSPACE, all: { type: 'boolean', default: false },
  } });
  const began = Date.now();
  const times = stageTimes(terminalProgress());
  const lab = chosenWorkspace(values, { progress: times.progress, recompute: true });
  const unused = unusedGpu();
  if (unused) console.log(unused);
  console.log(`Profile ${lab.profile.name}: ${lab.profile.description}. Computing on ${device()}.`);
  const left = unanswered(lab.profile);
  if (left.length && values.all) console.log(`Left out, since the published tables hold no source text: ${left.join(', ')}.`);
  // Seed by seed, so that what an interrupted run leaves is whole for the seeds it has done.
  const plans = values.all ? plansOf(lab.profile, ALL) : headlineOf(lab.profile);
  for (const seed of new Set(plans.flatMap((p) => p.seeds))) {
    for (const { track, methods: names } of plans.filter((p) => p.seeds.includes(seed))) {
      for (const name of names) await lab.run(name, { track, seed });
    }
  }
  let failed: unknown;
  if (values.all && !('published' in lab.profile.corpus)) {
    const trained = new Set((await lab.corpus()).tasks.filter(({ split }) => split === 'train').map(({ repo }) => repo));
    const authors = asPublished(lab.profile.maxTokens);
    if (!hasRoom(authors)) console.log(`Left out: the authors' prompts, a quarter of ${lab.profile.maxTokens} tokens here, hold no task.`);
    const studies = [...trainingLength(), ...moreRepositories(trained.size), ...headroom(), ...(hasRoom(authors) ? conditions() : [])];
    // The tables show what was made, whatever failed.
    failed = await lab.sweep(studies).then(() => undefined, (error: unknown) => error);
  }
  times.begin('tables and figures');
  // With all that is stored of the plan, so that the headline's runs replace theirs and the other rows stay.
  const { text, files, skipped } = await writeResults((await readPlanned(lab.profile)).runs, await readStudies(lab.profile), results(lab.profile.name));
  console.log(`\n${text}`);
  console.log(`Where the time went:\n${times.summary().join('\n')}\n`);
  console.log(`Written in ${duration(Date.now() - began)}:\n${files.map((f) => `  ${f}`).join('\n')}`);
  for (const reason of skipped) console.log(`Left out: ${reason}`);
  if (failed !== undefined) throw failed;
}
