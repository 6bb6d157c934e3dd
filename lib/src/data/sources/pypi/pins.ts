/** A file of data/corpora: which wheels or source distributions a benchmark is made from, and the releases before them. */
import { UserError } from '../../../store/errors.js';
import type { CrossRepoSplit } from '../../types.js';

/** One exact wheel or source distribution. */
export interface Pin {
  name: string;
  version: string;
  file: string;
  sha256: string;
  licence: string;
}

/** An earlier wheel of a project; its licence is as permissive as the project's. */
export interface Release {
  version: string;
  file: string;
  sha256: string;
  /** When the package index received it: ISO 8601 in UTC, to the second. */
  uploaded: string;
}

/** The projects of a benchmark and their cross-repository split. */
export interface Corpus {
  name: string;
  description: string;
  /** Python version and platform the wheels are for, `any` of source distributions; they are read, so no such machine is needed. */
  python: string;
  platform: string;
  projects: (Pin & { split: CrossRepoSplit; family?: string })[];
  /** Histories by project name, oldest release first; most projects have none. */
  releases?: Record<string, Release[]>;
}

/** Pins become lines of a requirements file and names of files: they must be nothing else. */
export function checkPin(pin: Pin): void {
  const plain = /^[A-Za-z0-9][A-Za-z0-9._+!-]*$/;
  if (!plain.test(pin.name) || !plain.test(pin.version) || !plain.test(pin.file) || !/\.(whl|tar\.gz|zip)$/.test(pin.file) || !/^[0-9a-f]{64}$/.test(pin.sha256))
    throw new UserError(`The pin of ${JSON.stringify(pin.name)} is not usable: it needs a plain name, version and .whl, .tar.gz or .zip file, and 64 hex digits of sha256.`);
}

export const isWheel = ({ file }: Pick<Pin, 'file'>): boolean => file.endsWith('.whl');
