/** A file of data/corpora, or one of a user's own: which repositories a benchmark is made from. Every field is checked. */
import { readFileSync } from 'node:fs';
import { reasonOf, UserError } from '../../store/errors.js';
import { type Fields, isFields } from '../../store/fields.js';
import { secondsOfDay } from '../iso-day.js';
import { SPLITS } from '../types.js';
import type { GitCorpus } from './git.js';
import { checkPin, type Corpus, type Pin, type Release } from './pypi/pins.js';

/** @throws UserError naming the file, the entry and the field */
export function readCorpusFile(path: string): Corpus | GitCorpus {
  const wrong = (what: string): never => {
    throw new UserError(`${path}: ${what}. data/corpora holds examples; those of the project come back with "git checkout -- data/corpora".`);
  };
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return wrong(code === undefined ? `it is not JSON (${reasonOf(error)})` : `it cannot be read (${code})`);
  }
  if (!isFields(json)) return wrong('it holds no object');
  if (Array.isArray(json['projects'])) return checkProjects(json, json['projects'], wrong);
  if (Array.isArray(json['repositories'])) return checkRepositories(json, json['repositories'], wrong);
  return wrong('it lists neither "projects" (of the package index) nor "repositories" (of git)');
}

/** @throws UserError when it lists git repositories */
export function readProjects(path: string): Corpus {
  const corpus = readCorpusFile(path);
  if ('projects' in corpus) return corpus;
  throw new UserError(`${path} lists git repositories and no projects of the package index: read it with --source git, or give another file.`);
}

/** @throws UserError when it lists projects of the package index */
export function readRepositories(path: string): GitCorpus {
  const corpus = readCorpusFile(path);
  if ('repositories' in corpus) return corpus;
  throw new UserError(`${path} lists projects of the package index and no git repositories: read it with --source pypi, or give another file.`);
}

function checkProjects(json: Fields, projects: readonly unknown[], wrong: (what: string) => never): Corpus {
  const names = entries(projects, 'projects', 'name', wrong, (entry, where) => {
    for (const field of ['version', 'file', 'sha256', 'licence']) text(entry[field], `${where} has no ${field}`, wrong);
    try {
      checkPin(entry as unknown as Pin);
    } catch (error) {
      wrong(`${where}: ${reasonOf(error)}`);
    }
  });
  const releases = json['releases'] ?? {};
  if (!isFields(releases)) return wrong('"releases" is no object');
  for (const [name, list] of Object.entries(releases)) {
    if (!names.has(name)) wrong(`releases of ${JSON.stringify(name)}, which is none of the projects`);
    if (!Array.isArray(list)) wrong(`the releases of ${name} are no list`);
    for (const release of list as unknown[]) {
      const { version, file, sha256, uploaded } = (isFields(release) ? release : {}) as Partial<Release>;
      if (![version, file, sha256, uploaded].every((field) => typeof field === 'string')) wrong(`a release of ${name} lacks its version, file, sha256 or time of upload`);
    }
  }
  return json as unknown as Corpus;
}

function checkRepositories(json: Fields, repositories: readonly unknown[], wrong: (what: string) => never): GitCorpus {
  entries(repositories, 'repositories', 'id', wrong, (entry, where) => {
    text(entry['licence'], `${where} has no licence`, wrong);
    for (const field of ['url', 'path', 'commit']) if (entry[field] !== undefined) text(entry[field], `the ${field} of ${where} is no text`, wrong);
  });
  const { cutoff } = json;
  try {
    if (cutoff !== undefined) secondsOfDay(String(cutoff), '"cutoff"');
  } catch (error) {
    wrong(reasonOf(error));
  }
  return json as unknown as GitCorpus;
}

/** The names of all entries, each once and with a split. */
function entries(list: readonly unknown[], kind: string, key: string, wrong: (what: string) => never, check: (entry: Fields, where: string) => void): Set<string> {
  const names = new Set<string>();
  list.forEach((entry, i) => {
    const place = `entry ${i + 1} of ${kind}`;
    if (!isFields(entry)) return wrong(`${place} is no object`);
    const name = text(entry[key], `${place} has no ${key}`, wrong);
    const where = `${place} (${name})`;
    if (names.has(name)) wrong(`${where} stands there twice`);
    names.add(name);
    const split = entry['split'];
    if (!SPLITS.some((one) => one === split)) wrong(`${where} has ${split === undefined ? 'no split' : `the split ${JSON.stringify(split)}`}: it is one of ${SPLITS.join(', ')}`);
    check(entry, where);
  });
  if (!names.size) wrong(`${kind} is empty`);
  return names;
}

function text(value: unknown, fault: string, wrong: (what: string) => never): string {
  return typeof value === 'string' && value ? value : wrong(fault);
}

