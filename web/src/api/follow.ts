// Follows a stream of server-sent events with the token in a header, which EventSource cannot, and goes on where it was cut off.
import { Problem } from './client';
import { request } from './ask';
import { type Event, reader } from './sse';

export type Line = 'connecting' | 'open' | 'lost';

interface Follower {
  /** Events in the order in which they come. */
  onEvents: (events: Event[]) => void;
  onLine: (line: Line, why?: Error) => void;
}

/** Milliseconds before a stream that was cut off is asked for again: longer each time, up to the last. */
const PAUSES = [500, 1_000, 2_000, 5_000, 10_000];

/** Follows `path` from the event after `last` on, if one is given, until the signal ends it. */
export async function follow(path: string, last: string | undefined, to: Follower, signal: AbortSignal): Promise<void> {
  let failures = 0;
  let at = last;
  while (!signal.aborted) {
    try {
      const headers = { Accept: 'text/event-stream', ...(at === undefined ? {} : { 'Last-Event-ID': at }) };
      const response = await request(path, { headers, signal });
      to.onLine('open');
      failures = 0;
      const read = reader();
      const pieces = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      for (let piece = await pieces.read(); !piece.done; piece = await pieces.read()) {
        const events = read(piece.value);
        if (events.length > 0) {
          at = events.at(-1)!.id || at;
          to.onEvents(events);
        }
      }
      to.onLine('lost');
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      to.onLine('lost', error as Error);
      // What was asked wrongly is not asked again; for another token the page asks.
      if (error instanceof Problem && error.status >= 400 && error.status < 500 && ![401, 429].includes(error.status)) {
        return;
      }
    }
    await pause(PAUSES[Math.min(failures, PAUSES.length - 1)]!, signal);
    failures += 1;
    if (!signal.aborted) {
      to.onLine('connecting');
    }
  }
}

function pause(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, millis);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
