// Secrets as the API shows them: a mask, and one mark for all of a document, which is another where one was changed.
import { isObject } from './objects';

/** What stands for a secret that is stored: sent back, it means "keep it". */
export const MASK = '********';

/** A document whose secrets differ from those of another reading where one of them was changed in between. */
export function marked<T>(value: T, mark: string): T {
  if (value === MASK) {
    return `${MASK}${mark}` as T;
  }
  if (Array.isArray(value)) {
    return value.map((one: unknown) => marked(one, mark)) as T;
  }
  return isObject(value) ? (Object.fromEntries(Object.entries(value).map(([key, one]) => [key, marked(one, mark)])) as T) : value;
}

/** A value for people: without marks, and without what was typed where `stored` has a secret. */
export function veiled(value: unknown, stored: unknown): unknown {
  const hides = (one: unknown) => typeof one === 'string' && one.startsWith(MASK);
  if (hides(value)) {
    return MASK;
  }
  if (hides(stored)) {
    return value === undefined ? value : 'another secret';
  }
  if (Array.isArray(value)) {
    return value.map((one: unknown, at) => veiled(one, Array.isArray(stored) ? stored[at] : undefined));
  }
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, veiled(one, isObject(stored) ? stored[key] : undefined)])) : value;
}

/** A value without its masks, for where nothing is stored that they could stand for. */
export function unmasked(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((one) => one !== MASK).map(unmasked);
  }
  return isObject(value) ? Object.fromEntries(Object.entries(value).flatMap(([key, one]) => (one === MASK ? [] : [[key, unmasked(one)]]))) : value;
}
