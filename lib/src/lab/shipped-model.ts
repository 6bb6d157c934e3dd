/** nano-coder, the model that comes with the project. */
import { join } from 'node:path';
import { UserError } from '../store/errors.js';
import { isWhole, sealed } from '../store/sums.js';
import { data } from './paths.js';

export const SHIPPED_MODEL = 'nano-coder';

let checked: string | undefined;
/** Its folder. @throws UserError where a file is not there or not the one that came */
export function shippedModel(): string {
  const folder = data('models', SHIPPED_MODEL);
  if (checked === folder) return folder;
  const lost = [...new Set(['config.json', 'model.safetensors', 'tokenizer.json', ...sealed(folder)])].find((name) => !isWhole(folder, name));
  if (lost !== undefined) throw new UserError(`The frozen model's ${join(folder, lost)} is not there, or damaged: restore it with "git checkout -- data/models".`);
  return checked = folder;
}
