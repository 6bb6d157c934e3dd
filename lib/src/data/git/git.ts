/**
 * Running git on a repository that is not trusted: only its objects and refs are used. Hooks, filters, external diffs,
 * signature programs, lazy fetches and the user's own settings play no part, and nothing is checked out.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { UserError } from '../../store/errors.js';

const SAFE = [
  'safe.directory=*', 'core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.attributesFile=/dev/null', 'core.quotePath=false',
  'log.showSignature=false', 'diff.external=', 'diff.renameLimit=1000', 'gc.auto=0',
  // A repository's settings of how changes are printed: the same objects must give the same tasks and diffs.
  'log.showRoot=true', 'diff.algorithm=default', 'diff.ignoreSubmodules=none', 'diff.indentHeuristic=true', 'diff.interHunkContext=0',
  'diff.orderFile=/dev/null', 'diff.relative=false', 'diff.submodule=short', 'diff.suppressBlankEmpty=false',
].flatMap((setting) => ['-c', setting]);

/** How this machine reaches the network: only a git that fetches is told. */
const NETWORK = ['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY', 'GIT_SSL_CAINFO', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];

/**
 * git reads no settings but those above and the repository's own, asks nothing, and leaves other variables out.
 * The protocols are a variable because a repository's `protocol.ext.allow` would win over `protocol.allow`.
 */
const environment = (protocol: string): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'], HOME: process.env['HOME'], LC_ALL: 'C', TZ: 'UTC',
  GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0',
  GIT_NO_LAZY_FETCH: '1', GIT_NO_REPLACE_OBJECTS: '1', GIT_ATTR_NOSYSTEM: '1', GIT_PAGER: 'cat', GIT_ALLOW_PROTOCOL: protocol,
  ...(protocol && Object.fromEntries(NETWORK.map((name) => [name, process.env[name]]))),
});

export interface GitOptions {
  settings?: readonly string[];
  /** The one protocol by which git may fetch; none when absent. */
  protocol?: 'https';
}

/** A running git; the caller reads its output and must end it. Paths among `args` must be absolute. */
export function startGit(gitDir: string, args: readonly string[], { settings = [], protocol }: GitOptions = {}): ChildProcessWithoutNullStreams {
  // Not from inside a work tree: git would read its attributes, and look only at the folder it is in.
  return spawn('git', [...SAFE, ...settings.flatMap((s) => ['-c', s]), `--git-dir=${resolve(gitDir)}`, ...args], { env: environment(protocol ?? ''), cwd: '/' });
}

/**
 * What a short git command prints.
 * @throws UserError with git's own last line when it fails or is not installed.
 */
export function git(gitDir: string, args: readonly string[], options: GitOptions & { input?: Uint8Array | string } = {}): Promise<Buffer> {
  return new Promise((done, reject) => {
    const child = startGit(gitDir, args, options);
    const out: Buffer[] = [];
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => { errors = (errors + chunk.toString('utf8')).slice(-2000); });
    child.on('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ENOENT' ? noGit() : error));
    child.on('close', (code) => {
      if (code === 0) done(Buffer.concat(out));
      else reject(gitError(gitDir, args[0] ?? '', errors));
    });
    child.stdin.on('error', () => {}); // git may stop before it has read all of it; its exit code tells.
    child.stdin.end(options.input ?? '');
  });
}

export function gitError(gitDir: string, command: string, errors: string): UserError {
  const last = errors.trim().split('\n').at(-1)?.replace(/^(?:fatal|error): /, '') || 'it said nothing';
  return new UserError(`git ${command} failed in ${gitDir}: ${last}. Check the repository with "git fsck", or fetch it anew.`);
}

function noGit(): UserError {
  return new UserError('git was not found: install git 2.36 or newer, histories are read with it.');
}
