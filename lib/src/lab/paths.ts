/** Where things lie. The project's root is found from this file, so commands work from any folder. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));
export const data = (...parts: string[]): string => join(root, 'data', ...parts);

/**
 * What is made goes here: the project, or the folder that CODE2LORA_OUTPUT names (so that tests do not touch results), from
 * the project where it is not absolute: a notebook's working folder is another than a command's.
 */
const output = resolve(root, process.env['CODE2LORA_OUTPUT'] ?? '');
export const cache = (...parts: string[]): string => join(output, 'data', 'cache', ...parts);
/**
 * What a profile made. All of it is named by a hash of what it was made from, so a profile with another frozen model
 * (`coder@MODEL`) shares the folder: repositories are not curated and read again.
 */
export const cacheOf = (profile: string, ...parts: string[]): string => cache(profile.split('@')[0]!, ...parts);
export const docs = (...parts: string[]): string => join(output, 'docs', ...parts);
export const results = (...parts: string[]): string => join(output, 'results', ...parts);
