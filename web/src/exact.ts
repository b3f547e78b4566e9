// JSON whose numbers keep their digits: those that JavaScript has no room for, such as ids of twenty digits, pass through as texts.

/** Stands before the digits of such a number. Nobody can type it, and no form, comparison or copy looks into a text. */
const MARK = '\0';

const STRINGS_AND_NUMBERS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A kept number in what `JSON.stringify` made. */
const KEPT = /"\\u0000(-?\d[\d.eE+-]*)"/g;

/** The digits that count, whatever their place. */
const significant = (number: string) => number.replace(/e.*/i, '').replace(/[-.]/g, '').replace(/^0+|0+$/g, '');

/** Whether a number of JSON says the same once it is one of JavaScript's. */
export function fits(number: string): boolean {
  const value = Number(number);
  return Number.isFinite(value) && significant(String(value)) === significant(number);
}

/** Whether all numbers of a JSON text do. */
export function isExact(text: string): boolean {
  return (text.match(STRINGS_AND_NUMBERS) ?? []).every((word) => word.startsWith('"') || fits(word));
}

/** What stands in a text of digits: itself, or the same as a number that is kept where JavaScript has no room for it. */
export function kept(text: string): string {
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) && !fits(text) ? MARK + text : text;
}

/** Whether a value is a number that is kept as its digits. */
export function isKept(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith(MARK);
}

/** The digits of a kept number; any other value as it is. */
export function digits<T>(value: T): T | string {
  return isKept(value) ? value.slice(MARK.length) : value;
}

/** What a JSON text says. What is no JSON is thrown, in the words of the browser. */
export function parse(text: string): unknown {
  // Its mistakes are told at the places that they have in what was typed.
  const value: unknown = JSON.parse(text);
  return isExact(text) ? value : JSON.parse(text.replace(STRINGS_AND_NUMBERS, (word) => (word.startsWith('"') || fits(word) ? word : JSON.stringify(MARK + word))));
}

/** A value as JSON, in lines if `indent` is given. */
export function stringify(value: unknown, indent?: number): string {
  return (JSON.stringify(value, null, indent) ?? 'null').replace(KEPT, '$1');
}

/** A value for people: a text as it is, and all else as JSON. */
export function spelled(value: unknown): string {
  return typeof value === 'string' && !isKept(value) ? value : stringify(value);
}

/** With JavaScript's numbers in the place of kept ones, to look at how large they are. */
export function rounded(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(rounded);
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, rounded(one)]));
  }
  return isKept(value) ? Number(digits(value)) : value;
}
