// One set of settings or a list of them, as a list; and the other way, as it was written before.
import { isObject } from '../objects';

type Data = Record<string, unknown>;

/** Whether a value is nothing, one set of settings, or a list of them. */
export function isEntries(value: unknown): boolean {
  return value === undefined || isObject(value) || (Array.isArray(value) && value.every(isObject));
}

/** As a list that has one more where there is none: somewhere one has to begin. */
export function entriesOf(value: unknown): Data[] {
  const all = Array.isArray(value) ? (value as Data[]) : isObject(value) ? [value] : [];
  return all.length > 0 ? all : [{}];
}

/** The value that a list stands for: one stays one, and a list a list, also of one; where nothing is left there is none. */
export function valueOf(entries: Data[], before: unknown): Data | Data[] | undefined {
  const [first, ...others] = entries;
  if (!first || (others.length === 0 && Object.keys(first).length === 0)) {
    return undefined;
  }
  return others.length === 0 && !Array.isArray(before) ? first : entries;
}
