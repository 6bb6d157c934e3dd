/**
 * Headroom: what an adapter could know of a repository. Single LoRA is trained further on one repository alone, and asked about
 * test files that it has not read: on the repository's other tests, or on its source text (the usual test-time training).
 * A written adapter's gain means little without it. Tasks of half of a repository's test files are learnt from, tasks of the
 * other half are asked; learning rate and passes are those of the least loss on validation repositories, halved alike.
 */
import { join } from 'node:path';
import { chooseFiles, readableFiles } from '../encoder/files.js';
import { inPart } from '../encoder/recipe.js';
import { windowsOf } from '../encoder/windows.js';
import { toTensor } from '../engine/arrays.js';
import { tf } from '../engine/tensorflow.js';
import { adapterFromTensors, adapterNames } from '../lora/adapter.js';
import { writeFileAtomic } from '../store/atomic.js';
import { sha256 } from '../store/hash.js';
import { storedJson } from '../store/stored-json.js';
import { areWhole, seal } from '../store/sums.js';
import { groupBy } from '../train/draws.js';
import { adapterLearner } from '../train/adapter-learner.js';
import type { Example } from '../train/examples.js';
import { singleLora } from './single-lora.js';
import type { Method, MethodInputs, TrainedMethod } from './method.js';
import { eachAdapter, trainEach, type Each } from './one-each.js';

export type Reading = 'tests' | 'source';

/** What is tried on validation repositories. */
const RATES = [1e-3, 3e-4], PASSES = { tests: [1, 2, 4], source: [1, 2] } as const;
/** Windows of a repository's source text, each as long as a prompt. */
const WINDOWS = 64;
const BATCH = 16;
/** What came of the trials, in the folder of the training. */
const CHOSEN = 'chosen.json';

/** A repository's test files in an order of their own; the first half is learnt from. Asked of the same list again and again. */
function learntFiles(tasks: readonly Example[]): ReadonlySet<string> {
  const known = learntOf.get(tasks);
  if (known) return known;
  const files = [...new Set(tasks.map(({ task }) => task.file))].sort((a, b) => (sha256(a) < sha256(b) ? -1 : 1));
  const learnt = new Set(files.slice(0, Math.floor(files.length / 2)));
  learntOf.set(tasks, learnt);
  return learnt;
}
const learntOf = new WeakMap<readonly Example[], ReadonlySet<string>>();

/** Tasks that may be learnt from, and those that may be asked. Of a training repository only training tasks are learnt. */
function halves(tasks: readonly Example[]): { learnt: Example[]; asked: Example[] } {
  const files = learntFiles(tasks), mayBeLearnt = ({ task }: Example) => task.split !== 'train' || task.inRepoSplit === 'train';
  return { learnt: tasks.filter((e) => files.has(e.task.file) && mayBeLearnt(e)), asked: tasks.filter((e) => !files.has(e.task.file)) };
}

/** Windows of the files that an encoder reads, the first token of each as the prompt of the rest. */
async function sourceWindows({ repository, tokenizer }: MethodInputs, repo: string, maxTokens: number, like: Example): Promise<Example[]> {
  const files = chooseFiles(readableFiles(await repository(repo), inPart), { ...inPart, maxFiles: Infinity }, tokenizer);
  const out: Example[] = [];
  for (const { text } of files) {
    const ids = tokenizer.encode(text);
    for (const { from, to } of windowsOf(ids.length, { ...inPart, window: maxTokens, overlap: 0, minTail: maxTokens / 4, keepFirst: false, maxWindows: Infinity })) {
      if (out.length === WINDOWS) return out;
      out.push({ task: { ...like.task, repo }, prefix: ids.slice(from, from + 1), target: ids.slice(from + 1, to) });
    }
  }
  return out;
}

export const headroomTests = headroom('tests'), headroomSource = headroom('source');

function headroom(reading: Reading): Method {
  const name = `headroom-${reading}`;
  return {
    name,
    tracks: ['static'],
    adapters: () => ['own'],
    startsFrom: singleLora.name,
    ...(reading === 'source' && { readsSource: true as const }),
    settings: (learning, track) => ({ start: singleLora.settings!(learning, track), reading, rates: RATES, passes: PASSES[reading], windows: WINDOWS, batch: BATCH }),
    asks: ({ task }, all) => halves(all).learnt.length > 0 && !learntFiles(all).has(task.file),
    oneEach: true,
    train: async (inputs, folder, progress) => {
      const { model, adapted, learning: { rank, alpha }, learning, repositoryTasks, evaluated, validation, tokenizer, contextOf, start } = inputs;
      const names = adapterNames(adapted);
      const longest = Math.max(...inputs.train.map((e) => e.prefix.length + e.target.length));
      const job = async (repo: string, epochs: number, learningRate: number): Promise<Each[]> => {
        const { learnt } = halves(repositoryTasks(repo));
        if (!learnt.length) return [];
        const examples = reading === 'tests' ? learnt : await sourceWindows(inputs, repo, longest, learnt[0]!);
        return examples.length ? [{ repo, examples, epochs, learningRate, batch: BATCH, start: () => names.map((n) => toTensor(start!.values.get(n)!)) }] : [];
      };
      const validationRepos = [...groupBy(validation, (e) => e.task.repo).keys()].sort();
      const grid = join(folder, CHOSEN);
      if (!areWhole(folder, [CHOSEN], progress) || storedJson(grid) === undefined) {
        const tried: { epochs: number; rate: number; nats: number }[] = [];
        for (const epochs of PASSES[reading]) {
          for (const rate of RATES) {
            const jobs = (await Promise.all(validationRepos.map((repo) => job(repo, epochs, rate)))).flat();
            const made = await trainEach(jobs, inputs, join(folder, `try-${epochs}-${rate}`), `${name}: trying ${epochs} passes at ${rate}`, progress);
            tried.push({ epochs, rate, nats: lossOn(made, jobs.map(({ repo }) => repo)) });
          }
        }
        writeFileAtomic(grid, JSON.stringify(tried.sort((a, b) => a.nats - b.nats)));
        seal(folder, [CHOSEN]);
      }
      const [best] = storedJson(grid) as { epochs: number; rate: number; nats: number }[];
      const jobs = (await Promise.all(evaluated.map((repo) => job(repo, best!.epochs, best!.rate)))).flat();
      const made = await trainEach(jobs, inputs, join(folder, 'chosen'), `training ${name}`, progress), learnt = new Set(jobs.map(({ repo }) => repo));
      // One without any text to learn from is answered as training left off.
      for (const repo of evaluated.filter((one) => !learnt.has(one) && halves(repositoryTasks(one)).learnt.length)) for (const n of names) made.values.set(`${repo}/${n}`, start!.values.get(n)!);
      return made;

      /** Mean nats a target token of the asked half of these repositories, under their adapters. */
      function lossOn({ values }: Pick<TrainedMethod, 'values'>, repos: readonly string[]): number {
        let nats = 0, tokens = 0;
        for (const repo of repos) {
          const { asked } = halves(repositoryTasks(repo)), parameters = names.map((n) => toTensor(values.get(`${repo}/${n}`)!));
          const writer = { parameters, names, write: () => adapterFromTensors(parameters, rank, alpha) };
          const count = asked.reduce((n, e) => n + e.target.length, 0);
          if (asked.length) nats += count * adapterLearner(model, writer, asked, contextOf, learning, tokenizer.eos).validationLoss(parameters);
          tokens += count;
          tf.dispose(parameters);
        }
        return nats / tokens;
      }
    },
    answers: async (inputs, trained) => {
      const adapter = eachAdapter(inputs, trained!.values);
      return { adapter: ({ repo }) => adapter(repo), dispose: () => {} };
    },
  };
}
