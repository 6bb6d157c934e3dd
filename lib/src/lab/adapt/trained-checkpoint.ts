/** The checkpoint of a method in a workspace. A stored run comes without one, so it is trained where it is not there. */
import { existsSync } from 'node:fs';
import { methods } from '../../methods/index.js';
import { UserError } from '../../store/errors.js';
import type { Progress } from '../../store/progress.js';
import { methodInputs } from '../method-inputs.js';
import { staticTrack } from '../track-data.js';
import { trained, trainedPath } from '../training.js';
import { SEED, type Workspace } from '../workspace.js';

/** Path of what a method trained on the static track, with the profile's settings. */
export async function trainedCheckpoint(lab: Workspace, name: string, progress: Progress, seed: number = SEED): Promise<string> {
  const { profile } = lab, method = methods.find((m) => m.name === name);
  const path = method && trainedPath(method, { track: 'static', seed }, profile);
  if (!method || !path) throw new UserError(`${name} is no method that trains something: give code2lora-static, say.`);
  if (!existsSync(path)) {
    const base = await lab.baseModel();
    const data = staticTrack(profile, await lab.corpus(), await lab.vectors(), base);
    await trained(method, profile, methodInputs(data, base, profile, seed), progress);
  }
  return path;
}
