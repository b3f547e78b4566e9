// What a form of requests is: what it holds, the JSON that this means, and what of any JSON it can show.
import { written } from '../json';

export interface Written {
  /** The request as JSON. */
  text: string;
  /** What keeps it from being sent, or nothing. */
  wrong: string;
}

export interface Shape<F> {
  begin: F;
  write: (fields: F) => Written;
  /** The fields that say the same; nothing where the form has no place for it. */
  read: (request: Record<string, unknown>) => F | undefined;
}

/** Members that a form does not show, and keeps. */
export type Others = Record<string, unknown>;

/** As members of an object that is put together. */
export function members(others: Others): [string, string][] {
  return Object.entries(others).map(([key, value]) => [key, written(value)]);
}

/** Of JSON that somebody types, what is wrong; an empty text is left out. */
export function checked(text: string, what: string): string {
  if (text.trim() === '') {
    return '';
  }
  try {
    JSON.parse(text);
    return '';
  } catch (error) {
    return `${what}: not JSON yet: ${(error as Error).message}`;
  }
}

/** A member that is left out where nothing was typed. */
export function given(text: string): string | undefined {
  return text === '' ? undefined : JSON.stringify(text);
}

/** JSON as it was typed, left out where it is empty. */
export function typed(text: string): string | undefined {
  return text.trim() === '' ? undefined : text;
}
