// JSON as it was typed: objects are put together out of texts, so that no digit of a number changes on the way.
import { parse, stringify } from '../exact';
import { isObject } from '../objects';

/** An object of members whose values are JSON already; those that are undefined are left out. */
export function objectOf(members: [string, string | undefined][]): string {
  const lines = members.flatMap(([key, value]) =>
    value === undefined ? [] : `  ${JSON.stringify(key)}: ${value.trim().replaceAll('\n', '\n  ')}`,
  );
  return lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n}`;
}

/** A value as JSON, in lines. */
export function written(value: unknown): string {
  return stringify(value, 2);
}

/** Why a text is not JSON, or nothing. */
export function mistake(text: string): string {
  try {
    JSON.parse(text);
    return '';
  } catch (error) {
    return `not JSON yet: ${(error as Error).message}`;
  }
}

/** An object in a text, or nothing where it is none. */
export function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value = parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const WORDS = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g;

/** A member of an object in a JSON text, as it is written there; nothing where it has none of this name. */
export function memberOf(text: string, name: string): string | undefined {
  let depth = 0;
  let key = '';
  let from: number | undefined;
  for (const { 0: word, index } of text.matchAll(WORDS)) {
    if (word === '}' || word === ']') {
      depth -= 1;
    }
    if (from !== undefined && (depth === 0 || (depth === 1 && word === ','))) {
      return text.slice(from, index).trim();
    }
    if (depth === 1 && word === ':') {
      from = JSON.parse(key) === name ? index + 1 : undefined;
    } else if (depth === 1) {
      key = word;
    }
    if (word === '{' || word === '[') {
      depth += 1;
    }
  }
  return undefined;
}

/** JSON in lines for people to read, in the digits that it came in; any other text as it is. */
export function pretty(text: string): string {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  const out: string[] = [];
  let depth = 0;
  let last = '';
  const line = () => out.push('\n', '  '.repeat(depth));
  for (const [word] of text.matchAll(WORDS)) {
    const closes = word === '}' || word === ']';
    if (closes) {
      depth -= 1;
    }
    if (closes ? last !== '{' && last !== '[' : last === '{' || last === '[' || last === ',') {
      line();
    }
    out.push(word === ':' ? ': ' : word);
    if (word === '{' || word === '[') {
      depth += 1;
    }
    last = word;
  }
  return out.join('');
}
