// Names with values, in rows that can be switched off: parameters, headers, fields of a form.
import { isObject } from '../../objects';

export interface Row {
  name: string;
  value: string;
  on: boolean;
}

export const row = (name = '', value = ''): Row => ({ name, value, on: true });

/** Those that count: named, and on. */
export function counted(rows: Row[]): Row[] {
  return rows.filter(({ name, on }) => on && name.trim() !== '');
}

/** As a JSON object, in which a name that is there twice has a list; nothing where no row counts. */
export function written(rows: Row[]): string | undefined {
  const values = new Map<string, string[]>();
  for (const { name, value } of counted(rows)) {
    values.set(name.trim(), [...(values.get(name.trim()) ?? []), value]);
  }
  if (values.size === 0) {
    return undefined;
  }
  const members = [...values].map(([name, all]) => [name, all.length === 1 ? all[0] : all] as const);
  return JSON.stringify(Object.fromEntries(members), null, 2);
}

/** Rows of an object of texts, numbers, booleans and lists of them; nothing where there is anything else. */
export function read(value: unknown): Row[] | undefined {
  if (value === undefined) {
    return [];
  }
  if (!isObject(value)) {
    return undefined;
  }
  const rows: Row[] = [];
  for (const [name, one] of Object.entries(value)) {
    for (const single of Array.isArray(one) ? one : [one]) {
      if (!['string', 'number', 'boolean'].includes(typeof single)) {
        return undefined;
      }
      rows.push(row(name, String(single)));
    }
  }
  return rows;
}
