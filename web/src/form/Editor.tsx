// The form of an integration's configuration: what it has, what its type wants, and whatever else one adds.
import Autocomplete from '@mui/material/Autocomplete';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import { useState } from 'react';
import { Trouble } from '../parts/Trouble';
import { label } from '../words';
import { keysOf, type Published } from './integrationSchema';
import { type Data, SchemaForm } from './SchemaForm';

interface Props {
  published: Published;
  type: string;
  /** What the form begins with. Another one begins another form: give it another key. */
  document: Data;
  /** The id is given and stays. */
  named?: boolean;
  disabled?: boolean;
  saveLabel: string;
  save: (document: Data) => Promise<void>;
}

export function Editor({ published, type, document, named = false, disabled = false, saveLabel, save }: Props) {
  const [data, setData] = useState(document);
  const [shown, setShown] = useState<string[]>([]);
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<Error>();
  const { schema, more } = keysOf(published, data, type, shown);

  const change = (after: Data) => {
    // Credentials of one kind are none of another.
    const { auth_config: _, ...rest } = after;
    setData(after.auth_type === data.auth_type ? after : rest);
  };
  const submit = async () => {
    setSaving(true);
    setError(undefined);
    try {
      await save(data);
    } catch (refused) {
      setError(refused as Error);
    } finally {
      setSaving(false);
    }
  };
  return (
    <SchemaForm
      schema={schema}
      data={data}
      prefix="integration"
      readonly={named ? ['integration_id'] : []}
      disabled={disabled}
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
