// A field for a secret: what is stored is never shown, and stays unless something else is typed.
import TextField from '@mui/material/TextField';
import type { WidgetProps } from '@rjsf/utils';
import { useState } from 'react';
import { MASK } from '../secrets';
import { describedBy } from './described';

export function SecretWidget({ id, label, schema, required, disabled, value, onChange, onBlur, rawErrors }: WidgetProps) {
  const stored = value === MASK;
  const [kept] = useState(stored);
  return (
    <TextField
      id={id}
      fullWidth
      label={label}
      required={required}
      disabled={disabled}
      // A reference such as ${env:NAME} is no secret, but nobody has to see whether it is one.
      type="password"
      autoComplete="new-password"
      error={(rawErrors?.length ?? 0) > 0}
      value={stored ? '' : (value ?? '')}
      placeholder={stored ? 'Stored; type to replace it' : '${env:NAME}, or the secret itself'}
      slotProps={{ inputLabel: { shrink: true }, htmlInput: { 'aria-describedby': describedBy(id, schema, rawErrors) } }}
      onChange={(event) => onChange(event.target.value || (kept ? MASK : undefined))}
      onBlur={(event) => onBlur(id, event.target.value)}
    />
  );
}
