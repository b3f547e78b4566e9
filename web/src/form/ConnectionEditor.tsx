// The form of a connection: what it has of its own, beside what it has from its integration.
import Stack from '@mui/material/Stack';
import type { ReactNode } from 'react';
import { connectionForm } from './connectionSchema';
import type { Asked, Published } from './integrationSchema';
import { Saving } from './Saving';
import { type Data, SchemaForm } from './SchemaForm';
import { type Store, type Stored, useEdits } from './useEdits';

interface Props {
  /** Of the keys of all connections. */
  schema: Data;
  published: Published;
  /** The integration that it is of, secrets masked. */
  integration: Data;
  /** Of the integration's connector, if it has one. */
  asked: Asked | undefined;
  stored: Stored;
  store: Store;
  saveLabel: string;
  /** Beside the button that saves. */
  children?: ReactNode;
}

export function ConnectionEditor({ schema, published, integration, asked, stored, store, saveLabel, children }: Props) {
  const edits = useEdits(stored, store);
  const { data, change, submit } = edits;
  return (
    <SchemaForm
      schema={connectionForm(schema, published, data, { integration, asked, had: stored.document.values })}
      data={data}
      prefix="connection"
      readonly={stored.etag ? ['connection'] : []}
      onChange={change}
      onSubmit={submit}
    >
      <Stack spacing={2} sx={{ mt: 2 }}>
        <Saving edits={edits} what="connection" label={saveLabel}>
          {children}
        </Saving>
      </Stack>
    </SchemaForm>
  );
}
