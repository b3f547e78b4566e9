// Which keys of a configuration differ.

export interface Change {
  key: string;
  mine: unknown;
  theirs: unknown;
}

/** The keys that `mine` or `theirs` have otherwise than `base`, with what both have. */
export function changes(base: object, mine: object, theirs: object): Change[] {
  const all = [base, mine, theirs].map((document) => new Map<string, unknown>(Object.entries(document)));
  const keys = [...new Set(all.flatMap((document) => [...document.keys()]))].sort();
  return keys
    .map((key) => ({ key, was: all[0]!.get(key), mine: all[1]!.get(key), theirs: all[2]!.get(key) }))
    .filter(({ was, mine, theirs }) => !same(was, mine) || !same(was, theirs))
    .map(({ key, mine, theirs }) => ({ key, mine, theirs }));
}

/** Whether two values say the same, whatever the order of their keys. */
export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one, sorted) === JSON.stringify(other, sorted);
}

function sorted(_key: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
}
