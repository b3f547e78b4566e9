// The form of an integration's configuration: what it has, what its type wants, and whatever else one adds.
import Autocomplete from '@mui/material/Autocomplete';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import { useRef, useState } from 'react';
import { changes, merged, same } from '../changes';
import { Redirect } from '../parts/Redirect';
import { TestFirst } from '../parts/TestFirst';
import { Trouble } from '../parts/Trouble';
import { Unsaved } from '../parts/Unsaved';
import { isObject } from '../objects';
import { marked } from '../secrets';
import { label } from '../words';
import { type Asked, keysOf, type Published } from './integrationSchema';
import { objection } from './objection';
import { type Data, SchemaForm } from './SchemaForm';

export interface Begun {
  document: Data;
  version: string;
  /** Another where a secret is another. */
  secrets: string;
}

interface Props {
  published: Published;
  type: string;
  /** What the form begins with. Where another one comes, what was typed stays, as long as that is not what the other one changed. */
  document: Data;
  /** Of which version the document is, where it has any. */
  version?: string;
  /** Another where a secret of the document is another. */
  secrets?: string;
  /** The id is given and stays. */
  named?: boolean;
  /** Of its connector, if it has one. */
  asked?: Asked | undefined;
  disabled?: boolean;
  saveLabel: string;
  /** `begun` is what was edited, in the version that it was in. */
  save: (document: Data, begun: Begun) => Promise<void>;
}

export function Editor({ published, type, document, version = '', secrets = '', named = false, asked, disabled = false, saveLabel, save }: Props) {
  const [begun, setBegun] = useState<Begun>({ document, version, secrets });
  const [data, setData] = useState(document);
  const [shown, setShown] = useState<string[]>([]);
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<Error>();
  const savingNow = useRef(false);
  // Where the same was changed in both, the form stays as it is, and who saves is asked.
  const crossed = () => changes(marked(begun.document, begun.secrets), marked(data, begun.secrets), marked(document, secrets)).some(({ both }) => both);
  if (version !== begun.version && !crossed()) {
    setBegun({ document, version, secrets });
    setData(merged(begun.document, data, document) as Data);
  }
  const { schema, more, removable } = keysOf(published, data, type, shown, asked);
  const refused = objection(error, Object.keys(schema.properties));

  const change = (after: Data) => {
    // Credentials of one kind are none of another.
    const { auth_config: _, ...rest } = after;
    setError(undefined);
    setData(after.auth_type === data.auth_type ? after : rest);
  };
  const remove = (key: string) => {
    const { [key]: _, ...rest } = data;
    setShown(shown.filter((one) => one !== key));
    change(rest);
  };
  const submit = async () => {
    setSaving(true);
    savingNow.current = true;
    setError(undefined);
    try {
      await save(data, begun);
    } catch (refused) {
      setError(refused as Error);
    } finally {
      setSaving(false);
      savingNow.current = false;
    }
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
      onSubmit={() => void submit()}
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
        <Unsaved edited={!same(data, begun.document)} saving={savingNow} />
        {!disabled && <TestFirst document={data} />}
        {error && <Trouble error={error} />}
        <Box>
          <Button type="submit" variant="contained" disabled={disabled || saving}>
            {saveLabel}
          </Button>
        </Box>
      </Stack>
    </SchemaForm>
  );
}

/** Whether a person connects the account in a browser. */
function isBrowsed(credential: unknown): boolean {
  return isObject(credential) && credential.grant_type === 'authorization_code';
}
