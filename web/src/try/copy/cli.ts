// A request as a command of trunkline itself, which takes its token from TRUNKLINE_API_TOKEN.
import { type Asked, asCall } from './asked';
import { command, quoted } from './shell';

/** Where the command looks for a server unless it is told. */
const USUAL = 'http://127.0.0.1:8700';

export function cli(asked: Asked): string {
  const { origin, id, kind, connection } = asked;
  const words = [`trunkline ${kind === 'stream' ? 'stream' : 'call'} ${quoted(id)}`];
  if (origin !== USUAL) {
    words.push(`--url ${quoted(origin)}`);
  }
  if (connection) {
    words.push(`--connection ${quoted(connection)}`);
  }
  words.push(`--request ${quoted(asCall(asked, true))}`);
  return command(words[0]!, ...words.slice(1));
}
