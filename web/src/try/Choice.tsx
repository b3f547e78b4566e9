// A choice of what to do, such as to send or to listen.
import ToggleButton from '@mui/material/ToggleButton';
import ToggleButtonGroup from '@mui/material/ToggleButtonGroup';

interface Props<T extends string> {
  label: string;
  options: readonly (readonly [T, string])[];
  value: T;
  onChange: (value: T) => void;
}

export function Choice<T extends string>({ label, options, value, onChange }: Props<T>) {
  return (
    <ToggleButtonGroup exclusive size="small" aria-label={label} value={value} onChange={(_, next: T | null) => next && onChange(next)}>
      {options.map(([name, title]) => (
        <ToggleButton key={name} value={name} sx={{ textTransform: 'none' }}>
          {title}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}
