// A field for one of a few values, or none: then what holds is said, and nothing is stored.
import MenuItem from '@mui/material/MenuItem';
import TextField from '@mui/material/TextField';
import type { WidgetProps } from '@rjsf/utils';
import { describedBy } from './described';

export function ChoiceWidget({ id, label, schema, required, disabled, value, options, placeholder, rawErrors, onChange }: WidgetProps) {
  const choices = options.enumOptions ?? [];
  // Of texts the form library tells it one way, of what is on or off the other.
  const unset = placeholder || options.placeholder || 'Default';
  return (
    <TextField
      id={id}
      select
      fullWidth
      label={label}
      required={required}
      disabled={disabled}
      error={(rawErrors?.length ?? 0) > 0}
      value={value === undefined || value === null ? '' : String(value)}
      slotProps={{ inputLabel: { shrink: true }, select: { displayEmpty: true, SelectDisplayProps: { 'aria-describedby': describedBy(id, schema, rawErrors) } } }}
      onChange={(event) => onChange(choices.find((choice) => String(choice.value) === event.target.value)?.value)}
    >
      {!required && <MenuItem value="">{unset}</MenuItem>}
      {choices.map((choice) => (
        <MenuItem key={String(choice.value)} value={String(choice.value)}>
          {choice.label}
        </MenuItem>
      ))}
    </TextField>
  );
}
