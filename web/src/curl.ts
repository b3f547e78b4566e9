// A request as a command for a shell.

/** The command that sends `body` to `url`; the token, if the server wants one, is taken from the environment. */
export function curl(url: string, body: string, withToken: boolean): string {
  const token = withToken ? ` \\\n  -H "Trunkline-Token: $TRUNKLINE_API_TOKEN"` : '';
  return `curl -sS ${quoted(url)}${token} \\\n  -H 'content-type: application/json' \\\n  -d ${quoted(body)}`;
}

/** A word of a POSIX shell, whatever is in it. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
