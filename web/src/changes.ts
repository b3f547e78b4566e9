// Which keys of a configuration differ, and what two people who changed it come to together.
import { isObject } from './objects';

export interface Change {
  key: string;
  mine: unknown;
  theirs: unknown;
  /** Both changed the same thing, and not to the same. */
  both: boolean;
}

/** Settings that say something only together: where each of two people changes one of them, both changed the same. */
const TOGETHER = [
  ['auth_type', 'auth_config'],
  ['auth', 'inputs'],
];

/** The keys that `mine` or `theirs` have otherwise than `base`, with what both have. */
export function changes(base: object, mine: object, theirs: object): Change[] {
  const all = [base, mine, theirs].map((document) => new Map<string, unknown>(Object.entries(document)));
  const changed = (key: string, whose: number) => !same(all[0]!.get(key), all[whose]!.get(key));
  const keys = [...new Set(all.flatMap((document) => [...document.keys()]))].sort();
  return keys
    .filter((key) => changed(key, 1) || changed(key, 2))
    .map((key) => {
      const others = TOGETHER.find((some) => some.includes(key))?.filter((other) => other !== key) ?? [];
      const split = others.some((other) => (changed(key, 1) && changed(other, 2)) || (changed(key, 2) && changed(other, 1)));
      const [was, mine, theirs] = all.map((document) => document.get(key));
      return { key, mine, theirs, both: crossed(was, mine, theirs) || (split && !same(mine, theirs)) };
    });
}

/** Whether both changed the same thing to something else; what is within objects is looked at one by one. */
function crossed(base: unknown, mine: unknown, theirs: unknown): boolean {
  if (same(base, mine) || same(base, theirs) || same(mine, theirs)) {
    return false;
  }
  if (isObject(base) && isObject(mine) && isObject(theirs)) {
    return keysOf(base, mine, theirs).some((key) => crossed(base[key], mine[key], theirs[key]));
  }
  return true;
}

/** What `mine` changed of `base` as it is there, and all else as `theirs` has it. */
export function merged(base: unknown, mine: unknown, theirs: unknown): unknown {
  if (same(base, mine)) {
    return theirs;
  }
  if (same(base, theirs) || !isObject(base) || !isObject(mine) || !isObject(theirs)) {
    return mine;
  }
  const pairs = keysOf(theirs, mine).map((key) => [key, merged(base[key], mine[key], theirs[key])] as const);
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}

function keysOf(...documents: Record<string, unknown>[]): string[] {
  return [...new Set(documents.flatMap((document) => Object.keys(document)))];
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
