// The languages that are written here, each loaded when somebody writes it.
import type { Extension } from '@codemirror/state';

/** Tables of a database by their schemas, as the editor completes them: `{ public: { orders: ['id', 'total'] } }`. */
export type Tables = Record<string, Record<string, string[]>>;

export type Language =
  | { name: 'text' }
  | { name: 'json' }
  | { name: 'sql'; dialect: Dialect; tables?: Tables; usual?: string }
  | { name: 'graphql'; sdl?: string };

export type Dialect = 'postgres' | 'mysql' | 'sqlite';

export async function loaded(language: Language): Promise<Extension> {
  switch (language.name) {
    case 'json':
      return (await import('@codemirror/lang-json')).json();
    case 'sql': {
      const { MySQL, PostgreSQL, sql, SQLite } = await import('@codemirror/lang-sql');
      const { dialect, tables, usual } = language;
      return sql({
        dialect: { postgres: PostgreSQL, mysql: MySQL, sqlite: SQLite }[dialect],
        ...(tables ? { schema: tables } : {}),
        ...(usual ? { defaultSchema: usual } : {}),
      });
    }
    case 'graphql':
      return (await import('./graphql')).extension(language.sdl);
    case 'text':
      return [];
  }
}
