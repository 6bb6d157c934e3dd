/** Names of files in an archive or a tree that come from elsewhere: why one is refused, or its plain form. */
export type NameFault = 'absolute path' | 'path leaves the archive' | 'backslash or drive path' | 'unreadable name';

/** Without empty and `.` parts, or the fault. U+FFFD stands where a name was not UTF-8: two such names could be one. */
export function plainPath(name: string): { path: string } | { fault: NameFault } {
  if (/[\p{Cc}\ufffd]/u.test(name) || name === '') return { fault: 'unreadable name' };
  if (name.startsWith('/')) return { fault: 'absolute path' };
  if (name.includes('\\') || /^[A-Za-z]:/.test(name)) return { fault: 'backslash or drive path' };
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  return parts.includes('..') ? { fault: 'path leaves the archive' } : { path: parts.join('/') };
}

/** Names that differ only in case or in Unicode form are one on some file systems. */
export function foldPath(path: string): string {
  return path.normalize('NFC').toLowerCase();
}
