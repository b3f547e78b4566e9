// What is to be asked, apart from how it is written down for a shell or a program.
import { objectOf } from '../json';

export interface Asked {
  /** Where this server is, such as `http://127.0.0.1:8700`. */
  origin: string;
  id: string;
  kind: 'call' | 'stream' | 'action';
  action?: string;
  /** Of the URL of an action, with its question mark. */
  query?: string;
  /** The request as JSON. */
  body: string;
  connection?: string;
  /** Whether the server wants a token. */
  token: boolean;
  /** The connector of the integration, where it has one. */
  connector?: string;
}

/** The request as it goes to `/call`: an action by its name, with all pages of a list where the server is to walk them. */
export function asCall({ kind, action, body, query }: Asked, walks: boolean): string {
  if (kind !== 'action') {
    return body;
  }
  return objectOf([
    ['action', JSON.stringify(action)],
    ['input', body.trim() || '{}'],
    ['pages', walks && query?.includes('pages=all') ? 'true' : undefined],
  ]);
}
