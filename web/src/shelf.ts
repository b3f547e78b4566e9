// Records of a log that is longer than memory should hold: pages, newest first, of which far ones are put back and fetched anew.

/** What stands on a shelf. Numbers fall from the first to the last. */
export interface Numbered {
  number: number;
}

export interface Page<R extends Numbered> {
  /** The numbers of its first and its last record. */
  first: number;
  last: number;
  count: number;
  /** Not there while nobody looks near. */
  records: R[] | undefined;
}

export interface Shelf<R extends Numbered> {
  pages: Page<R>[];
  /** There is nothing older. */
  ended: boolean;
}

/** So many records a page has, or fewer. */
export const SIZE = 500;

/** So many pages are held. */
export const HELD = 12;

export const empty: Shelf<never> = { pages: [], ended: false };

function page<R extends Numbered>(records: R[]): Page<R> {
  return { first: records[0]!.number, last: records.at(-1)!.number, count: records.length, records };
}

export function total<R extends Numbered>({ pages }: Shelf<R>): number {
  return pages.reduce((sum, { count }) => sum + count, 0);
}

/** The page that a place is on, and the record there if it is held. */
export function at<R extends Numbered>({ pages }: Shelf<R>, place: number): { page: number; record: R | undefined } {
  let left = place;
  for (const [index, { count, records }] of pages.entries()) {
    if (left < count) {
      return { page: index, record: records?.[left] };
    }
    left -= count;
  }
  return { page: pages.length, record: undefined };
}

/** With older records, as the server gave them when asked for `SIZE`. */
export function older<R extends Numbered>(shelf: Shelf<R>, records: R[]): Shelf<R> {
  const last = shelf.pages.at(-1)?.last ?? Infinity;
  const fresh = records.filter(({ number }) => number < last);
  return { pages: fresh.length > 0 ? [...shelf.pages, page(fresh)] : shelf.pages, ended: records.length < SIZE };
}

/** With newer records before the others. Pages that are too many go from the end: scrolling brings them back. */
export function newer<R extends Numbered>({ pages, ended }: Shelf<R>, records: R[]): Shelf<R> {
  const [head, ...rest] = pages;
  const first = head?.first ?? 0;
  const fresh = records.filter(({ number }) => number > first).sort((a, b) => b.number - a.number);
  if (fresh.length === 0) {
    return { pages, ended };
  }
  const joined = head?.records && head.count + fresh.length <= SIZE ? [page([...fresh, ...head.records]), ...rest] : [...split(fresh), ...pages];
  const kept = joined.slice(0, HELD);
  return { pages: kept, ended: ended && kept.length === joined.length };
}

function split<R extends Numbered>(records: R[]): Page<R>[] {
  const pages: Page<R>[] = [];
  for (let from = 0; from < records.length; from += SIZE) {
    pages.push(page(records.slice(from, from + SIZE)));
  }
  return pages;
}

/** With the records of a page that was put back. The server may have forgotten some of them, the oldest. */
export function refill<R extends Numbered>({ pages, ended }: Shelf<R>, index: number, records: R[]): Shelf<R> {
  const old = pages[index];
  if (!old) {
    return { pages, ended };
  }
  const found = records.filter(({ number }) => number <= old.first && number >= old.last);
  if (found.length < old.count) {
    // What follows is older still, and gone too.
    const left = pages.slice(0, index);
    return { pages: found.length > 0 ? [...left, page(found)] : left, ended: true };
  }
  return { pages: pages.with(index, { ...old, records: found }), ended };
}

/** With no more than `HELD` pages in memory: those nearest to `index`. */
export function putBack<R extends Numbered>({ pages, ended }: Shelf<R>, index: number): Shelf<R> {
  const held = pages.flatMap(({ records }, place) => (records ? [place] : []));
  if (held.length <= HELD) {
    return { pages, ended };
  }
  const near = new Set(held.sort((a, b) => Math.abs(a - index) - Math.abs(b - index)).slice(0, HELD));
  return { pages: pages.map((one, place) => (one.records && !near.has(place) ? { ...one, records: undefined } : one)), ended };
}
