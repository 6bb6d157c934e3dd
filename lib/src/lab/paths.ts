/** Where things lie. The project's root is found from this file, so commands work from any folder. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));
export const data = (...parts: string[]): string => join(root, 'data', ...parts);
export const cache = (...parts: string[]): string => join(root, 'data', 'cache', ...parts);
export const results = (...parts: string[]): string => join(root, 'results', ...parts);
