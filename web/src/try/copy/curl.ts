// A request as a command of curl. No secret is in it: the token is taken from the environment.
import type { Asked } from './asked';
import { command, quoted } from './shell';

export function curl({ origin, id, kind, action, query, body, connection, token }: Asked): string {
  const of = `${origin}/api/v1/integrations/${encodeURIComponent(id)}`;
  const path = kind === 'action' ? `actions/${encodeURIComponent(action ?? '')}` : kind;
  const parts = [`curl -sS${kind === 'stream' ? 'N' : ''} ${quoted(`${of}/${path}${query ?? ''}`)}`];
  if (token) {
    parts.push('-H "Trunkline-Token: $TRUNKLINE_API_TOKEN"');
  }
  if (connection) {
    parts.push(`-H ${quoted(`Trunkline-Connection: ${connection}`)}`);
  }
  // As it is: `-d` would take a body that begins with @ for a file.
  parts.push(`-H 'content-type: application/json'`, `--data-raw ${quoted(body)}`);
  return command(parts[0]!, ...parts.slice(1));
}
