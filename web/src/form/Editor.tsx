// The form of an integration's configuration: what it has, what its type wants, and whatever else one adds.
import Autocomplete from '@mui/material/Autocomplete';
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import { useState } from 'react';
import { isObject } from '../objects';
import { Redirect } from '../parts/Redirect';
import { TestFirst } from '../parts/TestFirst';
import { label } from '../words';
import { type Asked, keysOf, type Published } from './integrationSchema';
import { objection } from './objection';
import { Saving } from './Saving';
import { SchemaForm } from './SchemaForm';
import { type Store, type Stored, useEdits } from './useEdits';

interface Props {
  published: Published;
  type: string;
  /** What the form begins with, and what somebody else makes of it meanwhile. */
  stored: Stored;
  store: Store;
  /** The id is given and stays. */
  named?: boolean;
  /** Of its connector, if it has one. */
  asked?: Asked | undefined;
  disabled?: boolean;
  saveLabel: string;
}

export function Editor({ published, type, stored, store, named = false, asked, disabled = false, saveLabel }: Props) {
  const edits = useEdits(stored, store);
  const { data, change, error } = edits;
  const [shown, setShown] = useState<string[]>([]);
  const { schema, more, removable } = keysOf(published, data, type, shown, asked);
  const refused = objection(error, Object.keys(schema.properties));

  const remove = (key: string) => {
    const { [key]: _, ...rest } = data;
    setShown(shown.filter((one) => one !== key));
    change(rest);
  };
  return (
    <SchemaForm
      schema={schema}
      data={data}
      prefix="integration"
      readonly={named ? ['integration_id'] : []}
      disabled={disabled}
      refused={refused}
      folding={{ added: shown, removable, remove }}
      onChange={change}
      onSubmit={edits.submit}
    >
      <Stack spacing={2} sx={{ mt: 2 }}>
        {!disabled && (
          <Autocomplete
            size="small"
            options={more}
            getOptionLabel={label}
            value={null}
            // The next one begins empty.
            key={shown.length}
            blurOnSelect
            onChange={(_, key) => key && setShown([...shown, key])}
            renderInput={(params) => <TextField {...params} label="Add a setting" helperText="Limits, retries, cache, TLS and whatever else the type knows" />}
          />
        )}
        {!named && data.auth_type === 'oauth2' && isBrowsed(data.auth_config) && <Redirect id={String(data.integration_id ?? '')} />}
        {!disabled && <TestFirst document={data} />}
        <Saving edits={edits} what="integration" label={saveLabel} disabled={disabled} />
      </Stack>
    </SchemaForm>
  );
}

/** Whether a person connects the account in a browser. */
function isBrowsed(credential: unknown): boolean {
  return isObject(credential) && credential.grant_type === 'authorization_code';
}
