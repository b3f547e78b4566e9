// A stream that somebody watches: what came of it, paused or live, until it ends or is stopped.
import { useEffect, useRef, useState } from 'react';
import { silent } from '../api/client';
import type { Event } from '../api/sse';
import { eachEvent, eachLine } from './events';
import { extended, type Feed, nothing } from './feed';
import { ask, type Reply, type Sent } from './send';

export interface Stream<T> {
  state: 'none' | 'live' | 'ended';
  /** Whether it was answered: from then on nothing that comes is missed. */
  begun: boolean;
  feed: Feed<T>;
  paused: boolean;
  /** What was answered in the place of a stream. */
  refused: Reply | undefined;
  error: Error | undefined;
  start: (sent: Sent) => void;
  stop: () => void;
  pause: (paused: boolean) => void;
  clear: () => void;
}

/** Milliseconds between two drawings of what came. */
const DRAWN = 100;

type Reader<T> = (body: ReadableStream<Uint8Array>, take: (values: T[]) => void) => Promise<void>;

export const events: Reader<Event> = eachEvent;
export const lines: Reader<string> = eachLine;

export function useStream<T>(read: Reader<T>, accept: string): Stream<T> {
  const [state, setState] = useState<Stream<T>['state']>('none');
  const [isBegun, setIsBegun] = useState(false);
  const [feed, setFeed] = useState<Feed<T>>(nothing);
  const [paused, setPaused] = useState(false);
  const [refused, setRefused] = useState<Reply>();
  const [error, setError] = useState<Error>();
  const now = useRef<{ feed: Feed<T>; paused: boolean; timer: number | undefined; abort: AbortController | undefined }>({
    feed: nothing,
    paused: false,
    timer: undefined,
    abort: undefined,
  }).current;

  const draw = () => {
    window.clearTimeout(now.timer);
    now.timer = undefined;
    if (!now.paused) {
      setFeed(now.feed);
    }
  };
  useEffect(
    () => () => {
      now.abort?.abort();
      window.clearTimeout(now.timer);
    },
    [now],
  );

  const start = async (sent: Sent) => {
    now.abort?.abort();
    const abort = new AbortController();
    now.abort = abort;
    now.feed = nothing;
    now.paused = false;
    setPaused(false);
    setRefused(undefined);
    setError(undefined);
    setFeed(nothing);
    setState('live');
    setIsBegun(false);
    const begun = performance.now();
    try {
      const response = await ask({ ...sent, headers: { ...sent.headers, accept } }, abort.signal);
      if (!response.ok || !response.body || !(response.headers.get('content-type') ?? '').startsWith(accept)) {
        const bytes = new Uint8Array(await response.arrayBuffer());
        setRefused({ status: response.status, ok: response.ok, headers: response.headers, bytes, millis: performance.now() - begun });
      } else {
        setIsBegun(true);
        await read(response.body, (values) => {
          now.feed = extended(now.feed, values, Date.now());
          now.timer ??= window.setTimeout(draw, DRAWN);
        });
      }
    } catch {
      if (!abort.signal.aborted) {
        setError(now.feed.came > 0 ? new Error('The connection to the server was lost') : silent());
      }
    }
    if (now.abort === abort) {
      draw();
      setState('ended');
    }
  };
  return {
    state,
    begun: isBegun,
    feed,
    paused,
    refused,
    error,
    start: (sent) => void start(sent),
    stop: () => now.abort?.abort(),
    pause: (still) => {
      now.paused = still;
      setPaused(still);
      draw();
    },
    clear: () => {
      now.feed = nothing;
      setFeed(nothing);
    },
  };
}
