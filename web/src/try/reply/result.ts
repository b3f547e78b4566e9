// The reply of a database, in columns and rows.
import { isObject } from '../../objects';

export interface Result {
  columns: { name: string; type: string }[];
  rows: unknown[][];
  affected: number | null;
  lastId: number | string | null;
  truncated: string | null;
  more: boolean;
}

/** The results of a reply, of which a batch and a transaction have several; none where it is no such reply. */
export function results(text: string): Result[] | undefined {
  try {
    const value: unknown = JSON.parse(text, exact as (key: string, value: unknown) => unknown);
    const all = isObject(value) && Array.isArray(value.results) ? value.results : [value];
    const read = all.map(result);
    return read.every((one) => one !== undefined) ? read : undefined;
  } catch {
    return undefined;
  }
}

function result(value: unknown): Result | undefined {
  if (!isObject(value) || !Array.isArray(value.columns) || !Array.isArray(value.rows)) {
    return undefined;
  }
  const columns = (value.columns as Record<string, unknown>[]).map(({ name, type }) => ({ name: String(name), type: String(type ?? '') }));
  const keys = keysOf(columns.map(({ name }) => name));
  const rows = (value.rows as unknown[]).map((row) => (Array.isArray(row) ? row : keys.map((key) => (row as Record<string, unknown>)[key] ?? null)));
  return {
    columns,
    rows,
    affected: typeof value.affected_rows === 'number' ? value.affected_rows : null,
    lastId: (value.last_insert_id as number | string | undefined) ?? null,
    truncated: typeof value.truncated === 'string' ? value.truncated : null,
    more: Boolean(value.more_results),
  };
}

/** The keys that columns have in rows: a name that was there before gets a number, and none that another column has. */
function keysOf(names: string[]): string[] {
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((name) => {
    if (!seen.has(name)) {
      seen.add(name);
      return name;
    }
    let number = 2;
    while (taken.has(`${name}_${number}`)) {
      number += 1;
    }
    taken.add(`${name}_${number}`);
    return `${name}_${number}`;
  });
}

/** A number in the digits it came in, where JavaScript would write it otherwise: 12.50. */
export class Digits {
  constructor(readonly text: string) {}
}

/** Browsers that tell the source of a value have had it since 2025; others show 12.50 as 12.5. */
function exact(_: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && source !== undefined && String(value) !== source ? new Digits(source) : value;
}
