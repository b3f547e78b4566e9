// A field for what has no form of its own: JSON, kept as text while it is not valid.
import TextField from '@mui/material/TextField';
import type { FieldProps } from '@rjsf/utils';
import { useState } from 'react';

export function JsonField({ fieldPathId, schema, name, formData, required, disabled, onChange }: FieldProps) {
  const [text, setText] = useState(formData === undefined ? '' : JSON.stringify(formData, null, 2));
  const [wrong, setWrong] = useState('');
  const type = (typed: string) => {
    setText(typed);
    try {
      onChange(typed.trim() === '' ? undefined : JSON.parse(typed), fieldPathId.path);
      setWrong('');
    } catch (error) {
      setWrong(`not JSON yet: ${(error as Error).message}`);
    }
  };
  return (
    <TextField
      id={fieldPathId.$id}
      fullWidth
      multiline
      minRows={2}
      label={`${schema.title ?? name} (JSON)`}
      required={required}
      disabled={disabled}
      value={text}
      error={wrong !== ''}
      helperText={wrong || schema.description}
      slotProps={{ htmlInput: { spellCheck: false, style: { fontFamily: 'ui-monospace, monospace', fontSize: '0.85rem' } } }}
      onChange={(event) => type(event.target.value)}
    />
  );
}
