// A statement to a database, with its parameters; what it selects stands in a table.
import FormControlLabel from '@mui/material/FormControlLabel';
import Stack from '@mui/material/Stack';
import Switch from '@mui/material/Switch';
import TextField from '@mui/material/TextField';
import { useMemo } from 'react';
import { Code } from '../code/Code';
import type { Dialect } from '../code/languages';
import { sql } from '../forms/query';
import { results } from '../reply/result';
import { Table } from '../reply/Table';
import { tablesOf } from '../tables';
import { useComposer } from '../useComposer';
import { useSchema } from '../useSchema';
import { namesOf, type RequestProps } from './props';
import { Request } from './Request';

const JSON_PARAMS = { name: 'json' } as const;

export function SqlRequest({ base, type, document }: RequestProps) {
  const composer = useComposer(`${base.id}.sql`, sql);
  const { fields, change } = composer;
  const { schema, want, says } = useSchema(base.id, base.connection);
  const dialect = dialectOf(type, document);
  const language = useMemo(() => ({ name: 'sql' as const, dialect, ...tablesOf(schema, dialect) }), [schema, dialect]);
  const names = namesOf(document, 'queries');
  const own = document.only_queries !== true;
  const show = (text: string) => {
    const all = results(text);
    return (
      all && (
        <Stack spacing={2}>
          {all.map((result, at) => (
            <Table key={at} result={result} {...(all.length > 1 ? { number: at + 1 } : {})} />
          ))}
        </Stack>
      )
    );
  };
  return (
    <Request base={base} type={type} composer={composer} show={show} sendLabel="Run">
      {names.length > 0 && <Named names={names} own={own} value={fields.name} onChange={(name) => change({ name })} label="Statement" />}
      {fields.name === '' && (
        <Code
          label="Statement"
          language={language}
          height={180}
          value={fields.query}
          onChange={(query) => change({ query })}
          onFocus={want}
          help={says || 'Ctrl+Enter runs it'}
        />
      )}
      <Code
        label="Parameters (JSON)"
        language={JSON_PARAMS}
        height={84}
        value={fields.params}
        onChange={(params) => change({ params })}
        help={HELP[dialect]}
      />
      <FormControlLabel
        control={<Switch size="small" checked={fields.readOnly} onChange={(_, readOnly) => change({ readOnly })} />}
        label="Read only: the database refuses what would write"
      />
    </Request>
  );
}

const HELP: Record<Dialect, string> = {
  postgres: '{"id": 7} for :id in the statement, or [7] for $1',
  mysql: '{"id": 7} for :id in the statement, or [7] for ?',
  sqlite: '{"id": 7} for :id in the statement, or [7] for ?',
};

export function Named({ names, own, value, label, onChange }: { names: string[]; own: boolean; value: string; label: string; onChange: (name: string) => void }) {
  return (
    <TextField
      select
      label={`${label} of the configuration`}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      slotProps={{ select: { native: true }, inputLabel: { shrink: true } }}
      sx={{ maxWidth: 420 }}
    >
      <option value="">{own ? 'one of your own' : 'choose one'}</option>
      {names.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </TextField>
  );
}

function dialectOf(type: string, { base_url: url }: Record<string, unknown>): Dialect {
  const scheme = typeof url === 'string' ? url.split(':')[0]! : '';
  if (type === 'sqlite' || scheme.startsWith('sqlite')) {
    return 'sqlite';
  }
  return type === 'mysql' || /^(mysql|mariadb)/.test(scheme) ? 'mysql' : 'postgres';
}
