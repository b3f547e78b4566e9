// Words of a POSIX shell.

/** A word that the shell takes as it is, whatever is in it. A NUL cannot be in a command: it goes. */
export function quoted(word: string): string {
  const text = word.replaceAll('\0', '');
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Words in lines that a shell reads as one command. */
export function command(first: string, ...others: string[]): string {
  return [first, ...others].join(' \\\n  ');
}
