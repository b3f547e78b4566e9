// Rows of names and values, such as the headers of a request.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Checkbox from '@mui/material/Checkbox';
import IconButton from '@mui/material/IconButton';
import TextField from '@mui/material/TextField';
import { useRef } from 'react';
import { flushSync } from 'react-dom';
import { row, type Row } from './forms/rows';

interface Props {
  /** What a row is, such as `header`. */
  what: string;
  rows: Row[];
  onChange: (rows: Row[]) => void;
}

export function Rows({ what, rows, onChange }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const set = (at: number, part: Partial<Row>) => onChange(rows.map((one, index) => (index === at ? { ...one, ...part } : one)));
  // At once, so that no key is lost that somebody types right after.
  const change = (to: Row[], selector: string) => {
    flushSync(() => onChange(to));
    place.current?.querySelector<HTMLElement>(selector)?.focus();
  };
  const add = () => change([...rows, row()], `[data-row="${rows.length}"] input[type="text"]`);
  const remove = (at: number) => change(rows.filter((_, index) => index !== at), 'button[data-add]');
  return (
    <Box ref={place} sx={{ display: 'grid', gap: 1 }}>
      {rows.map(({ name, value, on }, at) => (
        <Box
          key={at}
          role="group"
          aria-label={`${what} ${at + 1}`}
          data-row={at}
          sx={{ display: 'grid', gridTemplateColumns: 'auto minmax(0, 2fr) minmax(0, 3fr) auto', gap: 0.5, alignItems: 'center' }}
        >
          <Checkbox
            size="small"
            checked={on}
            onChange={(_, checked) => set(at, { on: checked })}
            slotProps={{ input: { 'aria-label': `Send ${what} ${name || at + 1}` } }}
          />
          <TextField
            placeholder="name"
            value={name}
            onChange={(event) => set(at, { name: event.target.value })}
            slotProps={{ htmlInput: { 'aria-label': `Name of ${what} ${at + 1}`, spellCheck: false } }}
          />
          <TextField
            placeholder="value"
            value={value}
            onChange={(event) => set(at, { value: event.target.value })}
            slotProps={{ htmlInput: { 'aria-label': `Value of ${what} ${at + 1}`, spellCheck: false } }}
          />
          <IconButton size="small" aria-label={`Remove ${what} ${name || at + 1}`} onClick={() => remove(at)}>
            <span aria-hidden="true">×</span>
          </IconButton>
        </Box>
      ))}
      <Box>
        <Button size="small" data-add onClick={add}>
          Add a {what}
        </Button>
      </Box>
    </Box>
  );
}
