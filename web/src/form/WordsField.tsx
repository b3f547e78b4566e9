// A field for one text or a list of them, such as the scopes of a token: written as a text, in which they stand apart.
import TextField from '@mui/material/TextField';
import type { FieldProps } from '@rjsf/utils';
import { useState } from 'react';
import { listed, worded } from './several';

export function WordsField({ fieldPathId, schema, uiSchema, name, formData, required, disabled, rawErrors, onChange }: FieldProps) {
  const apart = String(uiSchema?.['ui:apart'] ?? '\n');
  const [text, setText] = useState(() => worded(formData, apart));
  // What came from elsewhere meanwhile.
  const shown = worded(formData, apart) === worded(listed(text, apart), apart) ? text : worded(formData, apart);
  const wrong = (rawErrors ?? []).join('; ');
  const lines = apart === '\n';
  return (
    <TextField
      id={fieldPathId.$id}
      fullWidth
      multiline={lines}
      label={schema.title ?? name}
      required={required ?? false}
      disabled={disabled ?? false}
      value={shown}
      error={wrong !== ''}
      helperText={wrong || [schema.description, lines ? 'Each on a line of its own.' : ''].filter(Boolean).join(' ')}
      slotProps={{
        htmlInput: { spellCheck: false, autoCapitalize: 'off' },
      }}
      onChange={(event) => {
        setText(event.target.value);
        onChange(listed(event.target.value, apart), fieldPathId.path);
      }}
    />
  );
}
