/** Failures of set-up as one line that names the cause and the remedy. */

export class SetupError extends Error {}

const noNetwork = 'no network, or a server that does not answer. Check the connection (or proxy) and run the same command again.';
const causes = [
  [
    /ENOSPC|No space left on device|Disk quota exceeded/i,
    'the disk is full. Free some space and run the same command again: it goes on where it was.',
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ENETUNREACH|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|name resolution|Network is unreachable|Failed to establish a new connection|NewConnectionError|ConnectTimeout|Read timed out|getaddrinfo/i,
    noNetwork,
  ],
  [/EACCES|EPERM|Permission denied|Read-only file system/i, 'no permission to write. Check the owner of the project folder.'],
  [/EINTEGRITY|DO NOT MATCH THE HASHES/i, 'a download does not match its checksum. Run the same command again.'],
];

/** The known cause of a failed command, read from its output, or undefined. */
export function knownCause(output) {
  return causes.find(([pattern]) => pattern.test(output))?.[1];
}

/** The error itself where its cause is the network, else undefined. */
export function networkError(error) {
  return error.message.includes(noNetwork) ? error : undefined;
}

/** One line for any failure: set-up's own errors as they are, others by their known cause. */
export function explain(error) {
  if (error instanceof SetupError) return error.message;
  const cause = knownCause(`${error.code ?? ''} ${error.message}`);
  return cause ? `Set-up stopped: ${cause}${error.path ? ` (${error.path})` : ''}` : `Set-up stopped: ${error.message}`;
}
