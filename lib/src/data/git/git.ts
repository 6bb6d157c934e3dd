/**
 * Running git on a repository that is not trusted: only its objects and refs are used. Hooks, filters, external diffs,
 * signature programs, lazy fetches and the user's own settings play no part, and nothing is checked out.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { UserError } from '../../store/errors.js';
import { checkGit } from './version.js';

const SAFE = [
  'safe.directory=*', 'core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.attributesFile=/dev/null', 'core.quotePath=false',
  'core.commitGraph=false', 'log.showSignature=false', 'diff.external=', 'diff.renameLimit=1000', 'gc.auto=0',
  // A repository's settings of how changes are printed: the same objects must give the same tasks and diffs.
  'log.showRoot=true', 'diff.algorithm=default', 'diff.ignoreSubmodules=none', 'diff.indentHeuristic=true', 'diff.interHunkContext=0',
  'diff.orderFile=/dev/null', 'diff.relative=false', 'diff.submodule=short', 'diff.suppressBlankEmpty=false',
].flatMap((setting) => ['-c', setting]);

/** How this machine reaches the network: only a git that fetches is told. */
const NETWORK = ['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'no_proxy', 'NO_PROXY', 'GIT_SSL_CAINFO', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];

/**
 * git reads no settings but those above and the repository's own, asks nothing, and leaves other variables out.
 * The protocols are a variable because a repository's `protocol.ext.allow` would win over `protocol.allow`.
 */
const environment = (protocol: string): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'], HOME: process.env['HOME'], LC_ALL: 'C', TZ: 'UTC',
  GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0',
  GIT_NO_LAZY_FETCH: '1', GIT_NO_REPLACE_OBJECTS: '1', GIT_ATTR_NOSYSTEM: '1', GIT_GRAFT_FILE: '/dev/null', GIT_PAGER: 'cat', GIT_ALLOW_PROTOCOL: protocol,
  ...(protocol && Object.fromEntries(NETWORK.map((name) => [name, process.env[name]]))),
});

export interface GitOptions {
  settings?: readonly string[];
  /** The one protocol by which git may fetch; none when absent. */
  protocol?: 'https';
  /** Of the repository only its objects: attributes and grafts in its folder could change what the same objects give. Refs have no names then. */
  objectsAlone?: boolean;
}

/** A running git; the caller reads its output and must end it. Paths among `args` must be absolute. */
export function startGit(gitDir: string, args: readonly string[], { settings = [], protocol, objectsAlone = false }: GitOptions = {}): ChildProcessWithoutNullStreams {
  checkGit();
  // Not from inside a work tree: git would read its attributes, and look only at the folder it is in.
  const { folder, env } = objectsAlone ? withObjectsOf(resolve(gitDir)) : { folder: resolve(gitDir), env: {} };
  return spawn('git', [...SAFE, ...(protocol ? proxies() : []), ...settings.flatMap((s) => ['-c', s]), `--git-dir=${folder}`, ...args], { env: { ...environment(protocol ?? ''), ...env }, cwd: '/' });
}

/** The user's own proxy settings, `http.proxy` and `http.<address>.proxy`: the rest of that file plays no part. */
function proxies(): string[] {
  const listed = spawnSync('git', ['config', '--global', '--null', '--get-regexp', String.raw`^http\.(.*\.)?(proxy|proxyauthmethod|sslcainfo)$`], { encoding: 'utf8', cwd: '/' }).stdout ?? '';
  return listed.split('\0').filter(Boolean).flatMap((entry) => ['-c', entry.replace('\n', '=')]);
}

/** A git folder of our own, and the variables by which git finds the objects of another in it. */
function withObjectsOf(gitDir: string): { folder: string; env: NodeJS.ProcessEnv } {
  const of = join(gitDir, 'commondir'), common = existsSync(of) ? resolve(gitDir, readFileSync(of, 'utf8').trim()) : gitDir;
  const config = join(common, 'config'), shallow = join(common, 'shallow');
  const long = existsSync(config) && /^\s*objectformat\s*=\s*"?sha256/im.test(readFileSync(config, 'utf8'));
  return { folder: emptyGitDir(long), env: { GIT_OBJECT_DIRECTORY: join(common, 'objects'), ...(existsSync(shallow) && { GIT_SHALLOW_FILE: shallow }) } };
}

const emptyGitDirs = new Map<boolean, string>();
/** Made once, and gone with this process. @param long whether ids are SHA-256 */
function emptyGitDir(long: boolean): string {
  let folder = emptyGitDirs.get(long);
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'code2lora-git-'));
    for (const name of ['objects', 'refs']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'HEAD'), 'ref: refs/heads/none\n');
    writeFileSync(join(folder, 'config'), long ? '[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n' : '[core]\n\tbare = true\n');
    emptyGitDirs.set(long, folder);
    const made = folder;
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  }
  return folder;
}

/**
 * What a short git command prints.
 * @throws GitError with git's own reason when it fails; UserError when it is not installed or too old
 */
export function git(gitDir: string, args: readonly string[], options: GitOptions & { input?: Uint8Array | string } = {}): Promise<Buffer> {
  return new Promise((done, reject) => {
    const child = startGit(gitDir, args, options);
    const out: Buffer[] = [];
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => { errors = (errors + chunk.toString('utf8')).slice(-2000); });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) done(Buffer.concat(out));
      else reject(gitError(gitDir, args[0] ?? '', errors));
    });
    child.stdin.on('error', () => {}); // git may stop before it has read all of it; its exit code tells.
    child.stdin.end(options.input ?? '');
  });
}

/** git failed. */
export class GitError extends UserError {
  /** @param said its reason; empty when it gave none */
  constructor(gitDir: string, command: string, readonly said: string) {
    const remedy = DAMAGE.test(said) ? ' Check the repository with "git fsck", or fetch it anew.' : '';
    super(`git ${command} failed in ${gitDir}: ${said || 'it said nothing'}.${remedy}`);
  }
}
const DAMAGE = /unable to read|corrupt|missing|bad object|bad tree|loose object|inflate|packfile|not a valid object|does not match/i;

/** With the first reason that git names, and what it says of it on lines of their own; what follows are its consequences. */
export function gitError(gitDir: string, command: string, errors: string): GitError {
  const lines = errors.trim().split('\n'), first = Math.max(0, lines.findIndex((line) => /^(?:fatal|error): /.test(line)));
  const more = lines.slice(first + 1).findIndex((line) => !/^\s/.test(line));
  const said = lines.slice(first, more < 0 ? undefined : first + 1 + more).map((line) => line.trim()).join(' ');
  return new GitError(gitDir, command, said.replace(/^(?:fatal|error): /, '').replace(/\.$/, ''));
}
