// A field for a secret: what is stored is never shown, and stays unless something else is typed.
import TextField from '@mui/material/TextField';
import type { WidgetProps } from '@rjsf/utils';
import { useRef } from 'react';
import { MASK } from '../secrets';
import { describedBy } from './described';

export function SecretWidget({ id, label, schema, required, disabled, value, placeholder, onChange, onBlur, rawErrors }: WidgetProps) {
  const stored = value === MASK;
  // Once there is one, nothing is taken away by emptying the field.
  const kept = useRef(stored);
  kept.current ||= stored;
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
      placeholder={stored ? 'Stored; type to replace it' : placeholder || '${env:NAME}, or the secret itself'}
      slotProps={{ inputLabel: { shrink: true }, htmlInput: { 'aria-describedby': describedBy(id, schema, rawErrors) } }}
      onChange={(event) => onChange(event.target.value || (kept.current ? MASK : undefined))}
      onBlur={(event) => onBlur(id, event.target.value)}
    />
  );
}
