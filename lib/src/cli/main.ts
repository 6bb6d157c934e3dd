/** The command line: `npx code2lora <command>`. A command is one file of this folder and one line of the list below. */
import { explain, isExpected, UserError } from '../store/errors.js';

interface Command {
  name: string;
  summary: string;
  /** Loaded when called, so that `doctor` answers where the engine is not built. */
  load: () => Promise<{ run: (args: string[]) => Promise<void> }>;
}

const commands: Command[] = [
  { name: 'reproduce', summary: 'repositories, tasks, training, scores, table and figure of a profile (--profile smoke|synthetic|mini|pypi|coder|paper, --base MODEL, --mirror DIR)', load: () => import('./reproduce.js') },
  { name: 'sweep', summary: 'the missing runs of a profile, several at once or on a cluster (--on slurm; --help says more)', load: () => import('./sweep.js') },
  { name: 'export', summary: 'all tables and figures from the stored runs of a profile (--profile P, --out DIR)', load: () => import('./export.js') },
  { name: 'runs', summary: 'the stored runs of a profile; runs compare A B; runs remove ID', load: () => import('./runs.js') },
  { name: 'curate', summary: 'tasks of any repository, static or evolution track, as parquet tables (--help says more)', load: () => import('./curate.js') },
  { name: 'adapt', summary: 'the adapter of any Python repository, as a folder that PEFT loads (--help says more)', load: () => import('./adapt.js') },
  { name: 'pretrain', summary: 'train nano-coder, the shipped base model, from scratch or --continue the shipped one (--tokens N)', load: () => import('./pretrain.js') },
  { name: 'doctor', summary: 'what is installed, which device computes, and what is missing for what; --gpu tries the GPU', load: () => import('./doctor.js') },
];

const help = (): string =>
  [
    'Usage: npx code2lora <command> [options]',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`),
    '',
    'npm run reproduce, npm test and npm run lab set the project up first.',
  ].join('\n');

/** Errors meant for a person are one line; anything else is a bug and keeps its stack. */
function report(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code?.startsWith('ERR_PARSE_ARGS')) return `${(error as Error).message.split('\n')[0]} See npx code2lora --help.`;
  return isExpected(error) ? explain(error) : ((error as Error).stack ?? String(error));
}

/**
 * Runs one command. Failures are printed and set the exit code to 1.
 * @param args what follows `code2lora`
 */
export async function main(args: string[]): Promise<void> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    console.log(help());
    return;
  }
  try {
    const command = commands.find((candidate) => candidate.name === name);
    if (!command) throw new UserError(`There is no command "${name}". Known: ${commands.map((c) => c.name).join(', ')}.`);
    await (await command.load()).run(rest);
  } catch (error) {
    console.error(report(error));
    process.exitCode = 1;
  }
}
