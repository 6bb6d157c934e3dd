/**
 * The folder of a model, or its GGUF file: a path on this machine, or `owner/name` or `owner/name@revision` of the Hugging Face hub, which
 * is fetched. Of all files only those that are read here: config, tokenizer and safetensors.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../store/errors.js';
import { fetchHubFiles, hubFolder, hubRepo, listHubFiles, pinRevision, type HubRepo } from '../store/hub.js';
import type { Progress } from '../store/progress.js';
import { INDEX, shardNames, WEIGHTS } from './checkpoint.js';
import { readConfig } from './config-json.js';
import { isGguf } from './gguf-model.js';

/**
 * Returns what `loadModel` and `loadTokenizer` read: a path that exists as it is; else the hub's files under
 * `cacheDir`, in a folder named by the commit. A revision left out is `main`, at the commit it was when first asked for.
 * @throws UserError when neither is there, the fetch fails (see `fetchHubFiles`), or files are lacking: before any is fetched.
 */
export async function openModelFolder(idOrPath: string, cacheDir: string, progress: Progress): Promise<string> {
  if (existsSync(idOrPath)) {
    if (isGguf(idOrPath)) return idOrPath;
    if (!statSync(idOrPath).isDirectory()) throw new UserError(`${idOrPath} is a file: give a GGUF file, or the folder that holds the model's config.json.`);
    modelFiles(readdirSync(idOrPath), idOrPath, () => shardNames(join(idOrPath, INDEX)));
    return idOrPath;
  }
  const repo = await repoOf(idOrPath, cacheDir), folder = hubFolder(repo, cacheDir);
  const listed = (await listHubFiles(repo, folder)).map(({ path }) => path);
  const fetchThose = (files: readonly string[]) => fetchHubFiles(repo, (path) => (files.includes(path) ? path : undefined), folder, progress);
  // What says whether the model can be used comes before its gigabytes.
  await fetchThose(['config.json', INDEX]);
  const files = modelFiles(listed, `${repo.name} at ${repo.revision}`, () => shardNames(join(folder, INDEX)));
  readConfig(join(folder, 'config.json'));
  await fetchThose(files);
  return folder;
}

async function repoOf(id: string, cacheDir: string): Promise<HubRepo> {
  try {
    return await pinRevision(hubRepo('model', id), cacheDir);
  } catch (error) {
    // A mistyped path looks like a name on the hub.
    throw error instanceof UserError ? new UserError(`There is no folder ${id} here, and on the hub: ${error.message}`) : error;
  }
}

/**
 * Which files of a folder or repository make up the model. Throws a UserError that names those that are lacking.
 * @param shards what its index lists, asked for where there is one and no single file
 */
function modelFiles(names: readonly string[], where: string, shards: () => string[]): string[] {
  const weights = !names.includes(WEIGHTS) && names.includes(INDEX) ? [INDEX, ...shards()] : [WEIGHTS];
  const needed = ['config.json', 'tokenizer.json', ...weights], lacking = needed.filter((name) => !names.includes(name));
  if (!lacking.length) return [...needed, ...names.filter((name) => name === 'tokenizer_config.json')];
  if (lacking.includes(WEIGHTS) && names.some((name) => name.endsWith('.gguf'))) {
    throw new UserError(`${where} holds its weights as GGUF: give that file itself, on this machine, or the repository that it was made from.`);
  }
  if (lacking.includes(WEIGHTS) && names.some((name) => /^pytorch_model.*\.bin/.test(name))) {
    throw new UserError(`${where} holds its weights as pytorch_model.bin, which is not read here: save the model again as safetensors with transformers.`);
  }
  throw new UserError(`${where} lacks ${lacking.join(', ')}: a model is config.json, tokenizer.json and ${WEIGHTS}, or its shards and their index.`);
}
