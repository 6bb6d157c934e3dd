/**
 * What keeps test knowledge out of training: no task of another repository has the text of a training task, and no file that is
 * asked about is among those that an encoder reads.
 */
import { sha256 } from '../store/hash.js';
import type { Task } from './types.js';

export interface LeakageOptions {
  /** Shared tasks are counted but stay: synthetic repositories ask the same questions on purpose. */
  keepShared?: boolean;
}

/** Learns the training tasks first, then tells which tasks of other repositories repeat one of them. */
export class LeakageGuard {
  readonly #seen = new Set<string>();
  /** Tasks found to be shared so far, dropped or not. */
  shared = 0;

  constructor(private readonly options: LeakageOptions) {}

  /** All tasks of a training repository, in whichever part of it, count. */
  learn(task: Task): void {
    if (task.split === 'train') this.#seen.add(textOf(task));
  }

  /** Why the task may not stay, or null. */
  fault(task: Task): 'shared_with_training' | null {
    if (task.split === 'train' || !this.#seen.has(textOf(task))) return null;
    this.shared++;
    return this.options.keepShared ? null : 'shared_with_training';
  }
}

/** How many in-repository test tasks have the text of a task that their own repository is trained on. They stay. */
export async function repeatedInRepository(tasks: Iterable<Task> | AsyncIterable<Task>): Promise<number> {
  const trained = new Set<string>(), asked: string[] = [];
  const keyOf = (task: Task) => `${task.repo} ${textOf(task)}`;
  for await (const task of tasks) {
    if (task.split !== 'train') continue;
    if (task.inRepoSplit === 'train') trained.add(keyOf(task));
    else if (task.inRepoSplit === 'test') asked.push(keyOf(task));
  }
  return asked.filter((key) => trained.has(key)).length;
}

/** The test from its definition to the end of the target, however it is indented or broken into lines. */
function textOf({ prefix, testFunction, target }: Task): string {
  const definition = prefix.lastIndexOf(`def ${testFunction.split('.').at(-1)}`);
  return sha256(`${prefix.slice(Math.max(0, definition))}${target}`.replace(/\s+/g, ' ')).slice(0, 16);
}

/** @throws Error when an encoder is about to read a file whose assertions are asked about */
export function refuseAsked(repo: string, read: readonly { path: string }[], tasks: readonly Task[]): void {
  const asked = new Set(tasks.filter((task) => task.repo === repo).map(({ file }) => file)), leak = read.find(({ path }) => asked.has(path));
  if (leak) throw new Error(`${repo}: tasks ask about ${leak.path}, so it may not be read.`);
}
