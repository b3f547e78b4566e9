// A log that one looks at: what the server remembers, page by page, and what happens meanwhile.
import { useCallback, useEffect, useRef, useState } from 'react';
import { at, empty, newer, older, putBack, refill, type Shelf, SIZE } from '../shelf';
import { withQuery } from './ask';
import { Problem } from './client';
import { follow, type Line } from './follow';
import { type CallRecord, records, type Sought } from './operate';

/** Fresh records are shown in batches: a busy server has more of them than a page can be drawn. */
const BATCH = 250;

/** So many of the newest records wait to be shown; those before them are read from the server when one scrolls there. */
const WAITING = 1_000;

export interface Log {
  shelf: Shelf<CallRecord>;
  /** Whether the newest records are being read, which comes first. */
  loading: boolean;
  error: Error | undefined;
  line: Line;
  /** So many have come that are not shown. */
  waiting: number;
  /** Loads what the places from `from` to `to` need, and puts the rest back. */
  look: (from: number, to: number) => void;
  /** Shows what waits. */
  show: () => void;
  again: () => void;
}

/** `held` keeps fresh records back; `kept` is what was read of the same before, and is gone on with. */
export function useLog(sought: Sought, held: boolean, kept?: Shelf<CallRecord>): Log {
  const [shelf, setShelf] = useState<Shelf<CallRecord>>(kept ?? empty);
  const [loading, setLoading] = useState(!kept);
  const [error, setError] = useState<Error>();
  const [line, setLine] = useState<Line>('connecting');
  const [waiting, setWaiting] = useState(0);
  const [begun, setBegun] = useState(0);
  const now = useRef({ shelf, held });
  now.current = { shelf, held };
  const fresh = useRef<{ texts: string[]; count: number }>({ texts: [], count: 0 });
  const asked = useRef(new Set<string>());
  const life = useRef(new AbortController());
  const key = JSON.stringify(sought);
  const before = useRef(kept && { key, shelf: kept });

  const show = useCallback(() => {
    const { texts, count } = fresh.current;
    fresh.current = { texts: [], count: 0 };
    setWaiting(0);
    const some = texts.map((text) => JSON.parse(text) as CallRecord);
    // Where some are missing between those and these, the list begins with these.
    setShelf((before) => newer(count > some.length ? empty : before, some));
  }, []);

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    life.current = controller;
    asked.current.clear();
    fresh.current = { texts: [], count: 0 };
    setWaiting(0);
    // Only of what is looked at first: another filter begins anew, and so does who tries again.
    const first = begun === 0 && before.current?.key === key ? before.current.shelf : undefined;
    before.current = first && { key, shelf: first };
    setLoading(!first);
    setError(undefined);
    setLine('connecting');
    const begin = async () => {
      let newest = first?.pages[0]?.first;
      if (!first) {
        const read = await records(sought, SIZE, undefined, signal);
        newest = read[0]?.number;
        setShelf(older(empty, read));
      }
      setLoading(false);
      await follow(
        withQuery('/api/v1/activity/stream', sought),
        // What comes between this page and the stream is not missed.
        String(newest ?? 0),
        {
          onLine: (to, why) => {
            if (!signal.aborted) {
              setLine(to);
              setError(why instanceof Problem && why.status >= 400 ? why : undefined);
            }
          },
          onEvents: (events) => {
            for (const { name, data } of events) {
              const { texts, count } = fresh.current;
              if (name === 'missed') {
                // Between what came before and what comes now some are not kept any more.
                fresh.current = { texts: [], count: count + (JSON.parse(data) as { records: number }).records };
                continue;
              }
              // The last one of a stream says why it ended.
              if (name !== 'message') {
                continue;
              }
              texts.push(data);
              fresh.current = { texts: texts.length > 2 * WAITING ? texts.slice(-WAITING) : texts, count: count + 1 };
            }
          },
        },
        signal,
      );
    };
    begin().catch((failed: Error) => {
      if (!signal.aborted) {
        setLoading(false);
        setError(failed);
      }
    });
    const timer = setInterval(() => {
      const { count } = fresh.current;
      if (count === 0) {
        return;
      }
      if (now.current.held) {
        setWaiting(count);
      } else {
        show();
      }
    }, BATCH);
    return () => {
      controller.abort();
      clearInterval(timer);
    };
    // The filter as a text: another object with the same words is the same filter.
  }, [key, begun, show]);

  const look = useCallback(
    (from: number, to: number) => {
      const { shelf: seen } = now.current;
      if (seen.pages.length === 0) {
        return;
      }
      const first = at(seen, from).page;
      const last = at(seen, to).page;
      const { signal } = life.current;
      const load = (name: string, before: number, count: number, put: (was: Shelf<CallRecord>, got: CallRecord[]) => Shelf<CallRecord>) => {
        if (asked.current.has(name)) {
          return;
        }
        asked.current.add(name);
        records(sought, count, before, signal)
          .then((got) => {
            setShelf((was) => putBack(put(was, got), last));
            setError(undefined);
          })
          .catch((failed: Error) => !signal.aborted && setError(failed))
          .finally(() => asked.current.delete(name));
      };
      for (let index = first; index <= Math.min(last, seen.pages.length - 1); index += 1) {
        const page = seen.pages[index]!;
        if (!page.records) {
          load(`page ${page.first}`, page.first + 1, page.count, (was, got) =>
            refill(was, was.pages.findIndex((one) => one.first === page.first), got),
          );
        }
      }
      const end = seen.pages.at(-1)!;
      if (last >= seen.pages.length - 1 && !seen.ended) {
        load(`end ${end.last}`, end.last, SIZE, (was, got) => (was.pages.at(-1)?.last === end.last ? older(was, got) : was));
      }
    },
    [key],
  );
  const again = useCallback(() => setBegun((times) => times + 1), []);
  return { shelf, loading, error, line, waiting, look, show, again };
}
