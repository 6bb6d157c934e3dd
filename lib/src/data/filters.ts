/** Quality filters: why a target or a prefix is unfit, or null when it is fit. */

export const MAX_TARGET_CHARACTERS = 500;

export type FilterReason = 'empty_target' | 'comma_leading' | 'brackets_only' | 'too_long' | 'malformed_prefix';

/** `target` is on one line. */
export function targetFault(target: string): FilterReason | null {
  const text = target.trim();
  if (text === '') return 'empty_target';
  if (text.startsWith(',')) return 'comma_leading';
  if (/^[)\]},\s]+$/.test(text)) return 'brackets_only';
  if (text.length > MAX_TARGET_CHARACTERS) return 'too_long';
  return null;
}

/** A prefix whose last line stops at a comma right behind an opening bracket was cut at a wrong place. */
export function prefixFault(lastLine: string): FilterReason | null {
  return /[([{]\s*,\s*$/.test(lastLine) ? 'malformed_prefix' : null;
}
