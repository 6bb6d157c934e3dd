/** An error its reader can act on: the message names what, where, and what to do next. Shown as one line. */
export class UserError extends Error {
  override name = 'UserError';
}

/** An error's message in one line, to be put into another: excerpts of a file in it may hold line breaks. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/\s*[\r\n]+\s*/g, ' ');

const OUT_OF_MEMORY = /Array buffer allocation failed|OOM when allocating(?: tensor with shape\[([\d,]+)\])?/;

/** Whether `explain` says what to do: the error is one of the machine or of its user, and none of the program. */
export function isExpected(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return error instanceof UserError || (code !== undefined && !code.startsWith('ERR_')) || OUT_OF_MEMORY.test(message ?? '');
}

/** One line for a person: the message of a UserError, the known cause of a system error, or the error itself. */
export function explain(error: unknown): string {
  if (error instanceof UserError) return error.message;
  const { code, path, message, syscall } = error as NodeJS.ErrnoException;
  const where = path ? ` at ${path}` : '';
  if (code === 'ENOSPC') return `The disk is full${where}: free some space and run the same command again, it goes on where it was.`;
  if (code === 'EACCES' || code === 'EPERM') return `No permission${syscall === 'open' || !syscall ? '' : ` for ${syscall}`}${where}: check the owner of the file and of its folder.`;
  if (code === 'EROFS') return `Nothing can be written${where}, the folder is read-only: set CODE2LORA_OUTPUT to one that is not.`;
  if (code === 'ENOENT') return `File not found${where}.`;
  const asked = OUT_OF_MEMORY.exec(message ?? '');
  if (asked) {
    const whose = /device:GPU/.test(message) ? "The GPU's memory" : 'The memory';
    return `${whose} is used up${asked[1] ? ` (an array of ${asked[1].replaceAll(',', ' x ')} numbers did not fit)` : ''}: close other programs, ` +
      'lower learning.microBatch or maxTokens, or take a smaller model; what is finished is kept, and the same command goes on from there.';
  }
  return message ?? String(error);
}
