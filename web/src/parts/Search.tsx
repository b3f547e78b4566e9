// What one looks for in a log: in the address of the page, so that a link shows the same.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import TextField from '@mui/material/TextField';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { kinds, type Sought } from '../api/operate';
import { actions, list } from '../api/queries';
import { spaced } from '../words';
import { useFilter } from './useFilter';

const KEYS = ['integration', 'connection', 'action', 'kind', 'status', 'since'] as const;

/** What the address says is sought; `integration` where the page is about one. */
export function soughtOf(search: URLSearchParams, integration?: string): Sought {
  const found: Sought = {};
  for (const key of KEYS) {
    const value = search.get(key);
    if (value) {
      found[key === 'since' ? 'since_ms' : key] = value;
    }
  }
  return { ...found, ...(integration === undefined ? {} : { integration }) };
}

export function Search({ integration }: { integration?: string }) {
  const { value, set, clear } = useFilter();
  const items = useQuery({ ...list, enabled: integration === undefined });
  const results = useQuery(kinds);
  const named = useQuery({ ...actions(integration ?? ''), enabled: integration !== undefined });
  /** Cards show names, so a name is as good as an id. */
  const idOf = (typed: string) => {
    const named = items.data?.filter(({ name }) => name?.toLowerCase() === typed.toLowerCase()) ?? [];
    const isId = items.data?.some((item) => item.integration_id === typed);
    return isId || named.length !== 1 ? typed : (named[0]!.integration_id ?? typed);
  };
  const since = Number(value('since'));
  const kind = value('kind');
  return (
    <Box role="search" aria-label="Calls" sx={{ display: 'grid', gap: 1, gridTemplateColumns: { xs: '1fr 1fr', md: `repeat(${integration === undefined ? 5 : 4}, minmax(0, 1fr)) 230px 100px` } }}>
      {integration === undefined && (
        <>
          <Typed wide label="Integration" value={value('integration')} list="integrations" onChange={(to) => set('integration', idOf(to))} />
          <datalist id="integrations">
            {items.data?.map((item) => <option key={item.integration_id} value={item.integration_id} label={item.name} />)}
          </datalist>
        </>
      )}
      <Typed label="Connection" value={value('connection')} onChange={(to) => set('connection', to)} />
      <Typed label="Action" value={value('action')} list="actions" onChange={(to) => set('action', to)} />
      <datalist id="actions">
        {Object.entries(named.data ?? {}).map(([name, { title }]) => (
          <option key={name} value={name} label={title} />
        ))}
      </datalist>
      <TextField
        select
        label="Result"
        value={kind}
        onChange={(event) => set('kind', event.target.value)}
        slotProps={{ select: { native: true }, inputLabel: { shrink: true } }}
      >
        <option value="">all</option>
        {[...new Set([...(results.data ?? []), ...(kind ? [kind] : [])])].map((name) => (
          <option key={name} value={name}>
            {spaced(name)}
          </option>
        ))}
      </TextField>
      <Typed label="Status" value={value('status')} digits onChange={(to) => set('status', to)} />
      <TextField
        label="Since"
        type="datetime-local"
        value={since > 0 ? local(since) : ''}
        onChange={(event) => set('since', event.target.value && String(new Date(event.target.value).getTime()))}
        slotProps={{ inputLabel: { shrink: true } }}
        // In half of a phone there is no room for the time.
        sx={{ gridColumn: { xs: '1 / -1', sm: 'auto' } }}
      />
      <Button
        onClick={clear}
        disabled={KEYS.every((key) => value(key) === '')}
        // Beside the last of the others, where there are two in a row; below them there is nothing to be beside.
        sx={{ display: { xs: KEYS.every((key) => value(key) === '') ? 'none' : 'inline-flex', sm: 'inline-flex' } }}
      >
        Show all
      </Button>
    </Box>
  );
}

/** A time as the field wants it: in the time of this place, to the minute. */
function local(millis: number): string {
  const date = new Date(millis - new Date(millis).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 16);
}

/** Milliseconds after the last key until what was typed is looked for. */
const PAUSE = 400;

interface Typed {
  label: string;
  value: string;
  list?: string;
  digits?: boolean;
  /** In a row of its own where there are two in a row. */
  wide?: boolean;
  onChange: (to: string) => void;
}

/** A field that tells what was typed once one stops typing. */
function Typed({ label, value, list, digits = false, wide = false, onChange }: Typed) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const wanted = typed.trim();
  const wrong = digits && !/^(\d{3})?$/.test(wanted);
  useEffect(() => {
    if (wanted === value || wrong) {
      return;
    }
    const timer = setTimeout(() => onChange(wanted), PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <TextField
      label={label}
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      error={wrong}
      sx={wide ? { gridColumn: { xs: '1 / -1', md: 'auto' } } : {}}
      helperText={wrong ? `Three digits, such as 404.${value ? ` Still looked for: ${value}` : ' Not looked for yet'}` : undefined}
      slotProps={{ htmlInput: { list, inputMode: digits ? 'numeric' : undefined, spellCheck: false, autoComplete: 'off' } }}
    />
  );
}
