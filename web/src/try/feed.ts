// The latest of what came, in an order that stays: how many came in all, and how many of them are no more kept.

export interface Feed<T> {
  items: { number: number; at: number; value: T }[];
  came: number;
  dropped: number;
}

/** So many are kept for people to look at. */
export const KEPT = 1_000;

export const nothing: Feed<never> = { items: [], came: 0, dropped: 0 };

/** With `values` at its end, and at most `most` of all. */
export function extended<T>(feed: Feed<T>, values: T[], at: number, most = KEPT): Feed<T> {
  const added = values.map((value, index) => ({ number: feed.came + index + 1, at, value }));
  const all = [...feed.items, ...added];
  const over = Math.max(0, all.length - most);
  return { items: over > 0 ? all.slice(over) : all, came: feed.came + values.length, dropped: feed.dropped + over };
}
