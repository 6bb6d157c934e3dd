/**
 * RepoPeftBench as its authors publish it, from the Hugging Face hub: the tables of `qna` and `commits`, under the names
 * of our suites.
 */
import { fetchHubFiles, hubFolder, hubRepo, listHubFiles, pinRevision } from '../../store/hub.js';
import { UserError } from '../../store/errors.js';
import type { Progress } from '../../store/progress.js';
import { type Suite, SUITES, type TableKind, tablePath } from '../dataset/suites.js';

/** A dataset on the hub: `code2lora/code2lora-data-snapshots` at a commit id, or at a tag or branch as it was at the first fetch. */
export interface HubDataset {
  name: string;
  revision: string;
}

/**
 * Makes sure that all tables of a published dataset are in its `hubFolder`, as `qna/<suite>.parquet` and
 * `commits/<suite>.parquet`, and returns that folder.
 * @throws UserError in one line: no table there, and all that `fetchHubFiles` throws.
 */
export async function fetchHubDataset({ name, revision }: HubDataset, cacheDir: string, progress: Progress): Promise<string> {
  const repo = await pinRevision(hubRepo('dataset', `${name}@${revision}`), cacheDir), folder = hubFolder(repo, cacheDir);
  if (!(await listHubFiles(repo, folder)).some(({ path }) => tableOf(path))) {
    throw new UserError(`${name} at ${revision} has no qna/<suite>.parquet or commits/<suite>.parquet: it is not RepoPeftBench, check the name.`);
  }
  await fetchHubFiles(repo, (path) => {
    const table = tableOf(path);
    return table && tablePath('', table.kind, table.suite);
  }, folder, progress);
  return folder;
}

/** A published file's place. One of the datasets calls the training repositories' table cr_train. */
function tableOf(path: string): { kind: TableKind; suite: Suite } | undefined {
  const [, kind, name] = /^(?:data\/)?(qna|commits)\/(\w+)\.parquet$/.exec(path) ?? [];
  const suite = name === 'cr_train' ? 'train' : SUITES.find((known) => known === name);
  return kind && suite ? { kind: kind as TableKind, suite } : undefined;
}
