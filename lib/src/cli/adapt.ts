/** `adapt`: the adapter of any Python repository, written by a trained hypernetwork, as a folder that PEFT loads. */
import { parseArgs } from 'node:util';
import { adapt, type Adapted } from '../lab/adapt/adapt.js';
import { openCheckpoint, type Checkpoint } from '../lab/adapt/checkpoint.js';
import { openRepository, type OpenedRepository } from '../lab/adapt/repository.js';
import { savePeft } from '../lora/peft.js';
import { UserError } from '../store/errors.js';
import { terminalProgress } from './terminal-progress.js';

export const USAGE = `Usage: npx code2lora adapt REPO --checkpoint FILE --out DIR [options]

  REPO           a folder with Python files, a clone or a bare git repository; it is read, never executed
  --checkpoint   trained.safetensors of a finished training (data/cache/PROFILE/trained/ID) of code2lora-static,
                 code2lora-static-paper or code2lora-evo, or a released checkpoint (.pt, or converted to safetensors)
  --out          gets adapter_config.json and adapter_model.safetensors, which PEFT loads

  --base MODEL      the frozen model, where it is not the one that the checkpoint was trained for by default: a pinned one
                    (data/models), a folder, a GGUF file or a hub id
  --encoder MODEL   the encoder of a released checkpoint, or one trained on published vectors:
                    Qwen/Qwen3-Embedding-0.6B when absent
  --commit SHA      the commit to read of a git repository: HEAD when absent`;

const OPTIONS = {
  checkpoint: { type: 'string' }, out: { type: 'string' }, base: { type: 'string' }, encoder: { type: 'string' }, commit: { type: 'string' },
} as const;

export async function run(args: string[]): Promise<void> {
  if (args.length === 0) return console.log(USAGE);
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const { checkpoint: path, out, base, encoder, commit } = values;
  const [folder, ...others] = positionals;
  if (folder === undefined || others.length) throw new UserError(`Give one repository, not ${positionals.length}: npx code2lora adapt --help says more.`);
  if (path === undefined) throw new UserError('Which hypernetwork is to write the adapter? Give its file with --checkpoint.');
  if (out === undefined) throw new UserError('Where to? Give a folder with --out.');
  const progress = terminalProgress();
  const repository = await openRepository(folder, commit);
  const models = { ...(base !== undefined && { base }), ...(encoder !== undefined && { encoder }) };
  const checkpoint = await openCheckpoint(path, models, progress);
  const adapted = await adapt(repository, checkpoint, progress);
  savePeft(out, adapted.adapter, checkpoint.base.config, checkpoint.base.name);
  console.log(account(folder, repository, checkpoint, adapted));
  console.log(`\nThe adapter for ${checkpoint.base.name} is in ${out}. In Python: PeftModel.from_pretrained(model, ${JSON.stringify(out)}).`);
}

/** What was done, for the reader of a terminal. */
function account(folder: string, { repository, history, shallow }: OpenedRepository, checkpoint: Checkpoint, made: Adapted): string {
  const n = (value: number) => value.toLocaleString('en');
  const at = history ? ` at commit ${repository.commit.slice(0, 12)} (what is not committed is not read)` : ', a folder without git';
  const lines = [
    `Checkpoint: ${checkpoint.description}.`,
    `Repository: ${folder}${at}.`,
    ...leftOutLine(repository),
    ...historyLine(checkpoint, made, shallow === true),
    `Read:       ${n(made.files)} ${made.readable === undefined ? '' : `of ${n(made.readable)} `}files, ${ofEach(checkpoint, made)}, in ${made.readSeconds.toFixed(1)} s; ` +
      `${n(made.encoded)} tokens went through the encoder${made.encoded === 0 ? ', all was in the cache' : ''}.`,
    `Written in  ${made.warmMs.toFixed(1)} ms (${made.coldMs.toFixed(1)} ms the first time).`,
  ];
  return `\n${lines.join('\n')}`;
}

/** How much of each file. */
function ofEach({ recipes: { state: { maxWindows, window } } }: Checkpoint, { tokens }: Adapted): string {
  if (maxWindows === Infinity) return `${tokens.toLocaleString('en')} tokens`;
  return `of each at most ${maxWindows === 1 ? 'the first window' : `${maxWindows} windows`} of ${window} tokens`;
}

/** Of what was not read, what its owner would want to know. */
function leftOutLine({ refused = {} }: OpenedRepository['repository']): string[] {
  const told = Object.entries(refused).filter(([reason]) => reason !== 'not .py, .md or .rst').map(([reason, count]) => `${count} ${reason}`);
  return told.length ? [`Left out:   ${told.join(', ')}.`] : [];
}

function historyLine(checkpoint: Checkpoint, { history }: Adapted, shallow: boolean): string[] {
  if (history) {
    const cut = shallow ? ' The clone is shallow: it began at the oldest commit there is.' : '';
    return [
      `History:    ${history.commits} first-parent commits; the state went through the ${history.steps} that change Python outside tests.${cut}`,
    ];
  }
  return checkpoint.stepInput ? ['History:    none, so the adapter comes from the initial state.'] : [];
}
