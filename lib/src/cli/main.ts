/** The command line: `npx code2lora <command>`. A command is one file of this folder and one line of the list below. */
import { explain, isExpected, UserError } from '../store/errors.js';

interface Command {
  name: string;
  summary: string;
  /** Loaded when called, so that `doctor` answers where the engine is not built. */
  load: () => Promise<{ USAGE: string; run: (args: string[]) => Promise<void> }>;
}

const commands: Command[] = [
  { name: 'reproduce', summary: 'from repositories to tables and figures: the headline of a profile, or all methods', load: () => import('./reproduce.js') },
  { name: 'sweep', summary: 'the missing runs of a profile, several at once or on a cluster', load: () => import('./sweep.js') },
  { name: 'export', summary: 'all tables and figures of a profile, from its stored runs', load: () => import('./export.js') },
  { name: 'runs', summary: 'the stored runs of a profile: lists, compares, removes them', load: () => import('./runs.js') },
  { name: 'curate', summary: 'tasks of any repository, static or evolution track, as parquet tables', load: () => import('./curate.js') },
  { name: 'adapt', summary: 'the adapter of any Python repository, as a folder that PEFT loads', load: () => import('./adapt.js') },
  { name: 'pretrain', summary: 'trains nano-coder, the small base model that comes with the project', load: () => import('./pretrain.js') },
  { name: 'doctor', summary: 'what is installed, which device computes, and what is missing for what', load: () => import('./doctor.js') },
];

const help = (): string =>
  [
    'Usage: npx code2lora <command> [options]',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`),
    '',
    'npx code2lora <command> --help names its options.',
    'npm run reproduce, npm test and npm run lab set the project up first.',
  ].join('\n');

/** Errors meant for a person are one line; anything else is a bug and keeps its stack. */
function report(error: unknown, command: string): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code?.startsWith('ERR_PARSE_ARGS')) return `${(error as Error).message.split('\n')[0]!.replace(/\.?$/, '.')} See npx code2lora ${command} --help.`;
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
    const { USAGE, run } = await command.load();
    if (rest.includes('--help') || rest.includes('-h')) console.log(USAGE);
    else await run(rest);
  } catch (error) {
    console.error(report(error, name));
    process.exitCode = 1;
  }
}
