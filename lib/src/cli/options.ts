/** What commands take alike from their command lines. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isPinnedModel } from '../lab/pinned-model.js';
import { SHIPPED_MODEL } from '../lab/shipped-model.js';
import { MIRROR } from '../lab/source.js';
import { openWorkspace, type Workspace, type WorkspaceOptions } from '../lab/workspace.js';
import { UserError } from '../store/errors.js';

/** @throws UserError when it is none */
export function count(name: string, value: string): number {
  if (!/^\d+$/.test(value)) throw new UserError(`--${name} needs a whole number, not ${value}.`);
  return Number(value);
}

/** @throws UserError when it is none, or 0 */
export function atLeastOne(name: string, value: string): number {
  const number = count(name, value);
  if (number === 0) throw new UserError(`--${name} is a whole number from 1 on, not 0.`);
  return number;
}

/** Which repositories and which frozen model, for `parseArgs`. */
export const WORKSPACE = { profile: { type: 'string', default: 'mini' }, base: { type: 'string' }, mirror: { type: 'string' } } as const;

/** A folder or file here, which the processes of a sweep look for from elsewhere. */
const isOwnModel = (name: string): boolean => name !== SHIPPED_MODEL && !isPinnedModel(name) && existsSync(name);

/** The workspace that these options name. */
export function chosenWorkspace(
  { profile, base, mirror }: { profile: string; base?: string | undefined; mirror?: string | undefined }, options: Omit<WorkspaceOptions, 'profile'>,
): Workspace {
  // By the environment, so that the processes of a sweep and the notebooks know it too.
  if (mirror !== undefined) process.env[MIRROR] = resolve(mirror);
  return openWorkspace({ profile: base === undefined ? profile : `${profile}@${isOwnModel(base) ? resolve(base) : base}`, ...options });
}
