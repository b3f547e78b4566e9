// A document of GraphQL: queries and mutations are sent, subscriptions are listened to.
import TextField from '@mui/material/TextField';
import { useEffect, useMemo, useState } from 'react';
import { Code } from '../code/Code';
import type { Operation } from '../code/graphql';
import { graphQl } from '../forms/query';
import { parsed } from '../json';
import { isObject } from '../../objects';
import { useComposer } from '../useComposer';
import { useSchema } from '../useSchema';
import { namesOf, type RequestProps } from './props';
import { Request } from './Request';
import { Named } from './SqlRequest';

const JSON_VARIABLES = { name: 'json' } as const;

export function GraphQlRequest({ base, type, document }: RequestProps) {
  const composer = useComposer(`${base.id}.graphql`, graphQl);
  const { fields, change } = composer;
  const { schema, want, says } = useSchema(base.id, base.connection);
  const sdl = isObject(schema) && typeof schema.sdl === 'string' ? schema.sdl : undefined;
  const language = useMemo(() => ({ name: 'graphql' as const, ...(sdl ? { sdl } : {}) }), [sdl]);
  const names = namesOf(document, 'queries');
  // What is sent is what counts: in the view as JSON it may say more than the form.
  const asked = parsed(composer.text) ?? {};
  const named = typeof asked.name === 'string' ? (document.queries as Record<string, unknown> | undefined)?.[asked.name] : undefined;
  const known = useOperations(typeof asked.query === 'string' ? asked.query : typeof named === 'string' ? named : '');
  const choice = known.length > 1 ? known.filter(({ name }) => name !== '') : [];
  const chosen = chosenBy(known, asked.operation_name) ?? (known.length === 1 ? known[0] : undefined);
  const missing = choice.length > 1 && !chosen ? 'operation: the document has several; choose one' : '';
  // One that the document had before.
  const gone = composer.view === 'form' && fields.operation !== '' && known.length > 0 && !chosenBy(known, fields.operation);
  useEffect(() => {
    if (gone) {
      change({ operation: '' });
    }
  }, [gone]);
  const listens = chosen?.kind === 'subscription';
  const body = gone ? graphQl.write({ ...fields, operation: '' }).text : composer.text;
  return (
    <Request base={base} type={type} composer={composer} kind={listens ? 'stream' : 'call'} body={body} wrong={missing}>
      {names.length > 0 && (
        <Named names={names} own={document.only_queries !== true} value={fields.name} onChange={(name) => change({ name })} label="Document" />
      )}
      {fields.name === '' && (
        <Code
          label="Document"
          language={language}
          height={220}
          value={fields.query}
          onChange={(query) => change({ query })}
          onFocus={want}
          help={says || 'Ctrl+Enter sends it'}
        />
      )}
      {choice.length > 1 && (
        <TextField
          select
          label="Operation"
          value={fields.operation}
          onChange={(event) => change({ operation: event.target.value })}
          slotProps={{ select: { native: true }, inputLabel: { shrink: true } }}
          sx={{ maxWidth: 420 }}
        >
          <option value="">choose one</option>
          {choice.map(({ name, kind }) => (
            <option key={name} value={name}>
              {kind} {name}
            </option>
          ))}
        </TextField>
      )}
      <Code
        label="Variables (JSON)"
        language={JSON_VARIABLES}
        height={84}
        value={fields.variables}
        onChange={(variables) => change({ variables })}
      />
    </Request>
  );
}

function chosenBy(known: Operation[], name: unknown): Operation | undefined {
  return known.find((one) => one.name === name);
}

/** The operations of a document; while it cannot be read, those that it had. */
function useOperations(document: string): Operation[] {
  const [known, setKnown] = useState<Operation[]>([]);
  useEffect(() => {
    let wanted = true;
    void import('../code/graphql').then(({ operations }) => {
      const found = operations(document);
      if (wanted && found) {
        setKnown(found);
      }
    });
    return () => {
      wanted = false;
    };
  }, [document]);
  return known;
}
