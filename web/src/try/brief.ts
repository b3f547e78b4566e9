// What a line has of an event, where there is no room for all of it.
import { memberOf, parsed } from './json';

/** So many characters are more than fit. */
const MOST = 500;

/** Of a message of a queue what it says: where it came from, which is before that, is the same on each line. */
export function brief(data: string): string {
  const event = parsed(data);
  const said = typeof event?.queue === 'string' ? ['message', 'text', 'base64'].find((name) => name in event) : undefined;
  return ((said && memberOf(data, said)) ?? data).slice(0, MOST);
}
