// Tables and columns as a database tells them, for the editor.
import type { Dialect, Tables } from './code/languages';
import { isObject } from '../objects';

/** Where names without a schema are looked for, unless the database says otherwise. */
const USUAL: Partial<Record<Dialect, string>> = { postgres: 'public', sqlite: 'main' };

export function tablesOf(schema: unknown, dialect: Dialect): { tables?: Tables; usual?: string } {
  if (!isObject(schema) || !Array.isArray(schema.tables)) {
    return {};
  }
  const tables: Tables = {};
  for (const table of schema.tables as unknown[]) {
    if (!isObject(table) || typeof table.name !== 'string') {
      continue;
    }
    const of = (tables[typeof table.schema === 'string' ? table.schema : ''] ??= {});
    const columns = Array.isArray(table.columns) ? (table.columns as unknown[]) : [];
    of[table.name] = columns.flatMap((one) => (isObject(one) && typeof one.name === 'string' ? [one.name] : []));
  }
  const names = Object.keys(tables);
  // A database of MySQL is a schema of its own name.
  const usual = names.find((name) => name === USUAL[dialect]) ?? (names.length === 1 ? names[0] : undefined);
  return { tables, ...(usual === undefined ? {} : { usual }) };
}
