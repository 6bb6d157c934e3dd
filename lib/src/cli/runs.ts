/** `runs`: lists the stored runs of a profile; compares two of them; removes one. */
import { parseArgs } from 'node:util';
import { pairedInterval } from '../eval/interval.js';
import type { Interval, Prediction } from '../eval/types.js';
import type { AdapterKind } from '../methods/index.js';
import type { RunRecord } from '../lab/run.js';
import { readStored, removeRun, storedId, storedIds } from '../lab/run-store.js';
import { type Profile, profileNamed } from '../profiles.js';
import { isControl, suites } from '../report/labels.js';
import { meanScore, natsDifference, scored } from '../report/own-vs-other.js';
import { nats, percent, points } from '../report/table.js';
import { explain, UserError } from '../store/errors.js';

export const USAGE = `Usage: npx code2lora runs [--profile P]            all stored runs
       npx code2lora runs compare A B [--profile P]   A less B, paired by task: strict EM, and nats a token
       npx code2lora runs remove ID [--profile P]     a run's results and cache

A run is named by its id, or the beginning of it.`;

export async function run(args: string[]): Promise<void> {
  const { values, positionals: [command, ...names] } = parseArgs({
    args, allowPositionals: true, options: { profile: { type: 'string', default: 'mini' } },
  });
  const profile = profileNamed(values.profile);
  const [first, second] = names;
  if (command === undefined) await list(profile);
  else if (command === 'compare' && first && second && names.length === 2) await compare(profile, storedId(profile.name, first), storedId(profile.name, second));
  else if (command === 'remove' && first && names.length === 1) remove(profile, storedId(profile.name, first));
  else throw new UserError(`runs ${[command, ...names].join(' ')}: it is runs, runs compare A B, or runs remove ID (npx code2lora runs --help).`);
}

async function list(profile: Profile): Promise<void> {
  const ids = storedIds(profile.name);
  if (ids.length === 0) throw new UserError(`There are no stored runs of ${profile.name}: make them with npx code2lora reproduce --profile ${profile.name}.`);
  const rows = [['track', 'method', 'seed', ...suites, 'id', 'settings']];
  const broken: string[] = [];
  for (const id of ids) {
    try {
      const { record, predictions } = await readStored(profile.name, id);
      const own = predictions.filter(({ adapter }) => !isControl(adapter));
      const scores = suites.map((suite) => strictEM(own.filter((p) => p.suite === suite)));
      rows.push([record.track, record.method, String(record.seed), ...scores, id, differences(record, profile)]);
    } catch (error) {
      broken.push(explain(error));
    }
  }
  print(rows);
  console.log('\nCR, IR, OOD: strict EM in %, with the own adapter or none. Settings: those that differ from the profile\'s.');
  for (const reason of broken) console.log(reason);
}

const strictEM = (predictions: readonly Prediction[]): string => (predictions.length ? percent(meanScore(predictions.map(scored))) : '–');

/** `steps=200 head.form=paper`. */
function differences(record: RunRecord, profile: Profile): string {
  const settings = ({ learning, maxTokens, contextTokens, encoder, evaluated }: Pick<RunRecord, 'learning' | 'maxTokens' | 'contextTokens' | 'encoder' | 'evaluated'>) =>
    flat({ ...(record.learning && { learning }), maxTokens, ...(record.contextTokens > 0 && { contextTokens }), encoder, evaluated });
  const used = settings(record), defaults = settings({ ...profile, evaluated: profile.evaluated[record.track] });
  return [...new Set([...used.keys(), ...defaults.keys()])].filter((path) => used.get(path) !== defaults.get(path))
    .map((path) => `${path.replace('learning.', '')}=${used.get(path) ?? 'absent'}`).join(' ');
}

/** The leaves of an object by their path, as JSON stores them. */
function flat(value: object, path = ''): Map<string, string> {
  return new Map(Object.entries(value).flatMap(([key, leaf]: [string, unknown]) => (
    typeof leaf === 'object' && leaf !== null ? [...flat(leaf, `${path}${key}.`)] : [[`${path}${key}`, typeof leaf === 'string' ? leaf : JSON.stringify(leaf)] as const])));
}

/** Every adapter that both have; the own adapter of one is compared with the model without any of another. */
async function compare(profile: Profile, a: string, b: string): Promise<void> {
  const [first, second] = [await readStored(profile.name, a), await readStored(profile.name, b)];
  if (first.record.inputs.tasks !== second.record.inputs.tasks) {
    throw new UserError(`${a} and ${b} answered other tasks: compare runs of one track, made from the same repositories.`);
  }
  const kindOf = ({ adapter }: Pick<Prediction, 'adapter'>): AdapterKind => (adapter === 'none' ? 'own' : adapter);
  const bounds = ({ low, high }: Interval, format: (value: number) => string) => (Number.isNaN(low) ? 'unknown: a single repository' : `[${format(low)}, ${format(high)}]`);
  const rows = [['suite', 'adapter', 'A', 'B', 'A − B', '95% interval', 'tasks', 'nats a token', '95% interval', 'tasks']];
  for (const suite of suites) {
    for (const kind of new Set(first.predictions.map(kindOf))) {
      const of = <Row extends Pick<Prediction, 'suite' | 'adapter'>>(rows: readonly Row[]) => rows.filter((row) => row.suite === suite && kindOf(row) === kind);
      const answers = shared(of(first.predictions), of(second.predictions)), likelihoods = shared(of(first.likelihoods), of(second.likelihoods));
      const [left, right] = [answers[0].map(scored), answers[1].map(scored)];
      if (left.length === 0) continue;
      const change = pairedInterval(left, right), byNats = likelihoods[0].length ? natsDifference(...likelihoods).difference : undefined;
      rows.push([
        suite, kind === 'own' ? 'own or none' : kind, percent(meanScore(left)), percent(meanScore(right)), points(change.mean), bounds(change, points), String(change.tasks),
        ...(byNats ? [nats(byNats.mean), bounds(byNats, nats), String(byNats.tasks)] : ['–', '–', '0']),
      ]);
    }
  }
  if (rows.length === 1) throw new UserError(`${a} and ${b} have no suite and adapter in common, so there is nothing to compare.`);
  console.log(`Strict EM in %, differences in points; nats a token by which the target is more probable under A.\nA: ${a}\nB: ${b}\n`);
  print(rows);
}

/** The rows of tasks that both have: profiles may have been set to different numbers of them. */
function shared<Row extends { taskId: string }>(left: readonly Row[], right: readonly Row[]): [Row[], Row[]] {
  const [ofLeft, ofRight] = [left, right].map((rows) => new Set(rows.map(({ taskId }) => taskId)));
  return [left.filter(({ taskId }) => ofRight!.has(taskId)), right.filter(({ taskId }) => ofLeft!.has(taskId))];
}

/** Rows of equally many cells, in columns. */
function print(rows: readonly string[][]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) console.log(row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd());
}

function remove(profile: Profile, id: string): void {
  const { removed, sharedWith } = removeRun(profile.name, id);
  console.log(`Removed:\n${removed.map((folder) => `  ${folder}`).join('\n')}`);
  if (sharedWith.length) console.log(`Kept, as others were answered with it (${sharedWith.join(', ')}): what it trained.`);
}
