/** Which tasks have a dependency context at all: a name that the test imports and uses leads to a definition of its repository (Table 11), however long that is. */
import { dependencyContext } from '../context/dependency/dependency-context.js';
import { openParser } from '../data/python.js';
import type { Workspace } from './workspace.js';

/** @param taskIds tasks of the static track. @returns those of them that have one */
export async function withDependencies(lab: Workspace, taskIds: Iterable<string>): Promise<Set<string>> {
  await openParser();
  const wanted = new Set(taskIds), { tasks, source } = await lab.corpus(), { tokenizer } = await lab.baseModel();
  const asked = tasks.filter(({ id }) => wanted.has(id)), repositories = new Set(asked.map(({ repo }) => repo));
  const method = dependencyContext(tokenizer, Number.POSITIVE_INFINITY), found = new Set<string>();
  for (const repository of await source()) {
    if (!repositories.has(repository.id)) continue;
    const contexts = method.prepare(repository);
    for (const task of asked) if (task.repo === repository.id && contexts.contextFor(task)) found.add(task.id);
    await new Promise(setImmediate);
  }
  return found;
}
