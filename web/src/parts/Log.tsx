// The calls that the server remembers, newest first: live, filtered, and drawn only where one looks.
import Box from '@mui/material/Box';
import Link from '@mui/material/Link';
import Paper from '@mui/material/Paper';
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import Typography from '@mui/material/Typography';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, useState } from 'react';
import { Link as To } from 'react-router';
import { activity } from '../api/queries';
import { spaced } from '../words';
import { Trouble } from './Trouble';

const ROW = 40;
const COLUMNS = { display: 'grid', gap: 1, px: 1.5, alignItems: 'center', gridTemplateColumns: { xs: '84px 1fr 64px', sm: '100px 1fr 90px 130px 70px 80px' } };
const WIDE = { display: { xs: 'none', sm: 'block' } };

const clock = new Intl.DateTimeFormat('en', { timeStyle: 'medium', hourCycle: 'h23' });

export function Log({ integration }: { integration?: string }) {
  const [typed, setTyped] = useState('');
  const [kind, setKind] = useState('');
  const filter = { ...((integration ?? typed) ? { integration: integration ?? typed } : {}), ...(kind ? { kind } : {}) };
  const calls = useQuery({ ...activity(filter), placeholderData: keepPreviousData });
  const records = calls.data ?? [];
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: records.length,
    estimateSize: () => ROW,
    getScrollElement: () => scroller.current,
    getItemKey: (index) => records[index]?.request_id ?? index,
    overscan: 8,
  });
  return (
    <Stack spacing={2}>
      <Box sx={{ display: 'flex', gap: 1 }}>
        {integration === undefined && (
          <TextField label="Integration" value={typed} onChange={(event) => setTyped(event.target.value.trim())} />
        )}
        <TextField
          select
          label="Result"
          value={kind}
          onChange={(event) => setKind(event.target.value)}
          slotProps={{ select: { native: true }, inputLabel: { shrink: true } }}
          sx={{ minWidth: 140 }}
        >
          <option value="">all</option>
          {KINDS.map((name) => (
            <option key={name} value={name}>
              {spaced(name)}
            </option>
          ))}
        </TextField>
      </Box>
      {calls.error && <Trouble error={calls.error} retry={() => void calls.refetch()} />}
      <Paper role="table" aria-label="Calls" aria-rowcount={records.length + 1}>
        <Box role="row" sx={{ ...COLUMNS, height: ROW, fontWeight: 650, fontSize: '0.85rem', borderBottom: 1, borderColor: 'divider' }}>
          <span role="columnheader">Time</span>
          <span role="columnheader">Integration</span>
          <Box role="columnheader" sx={WIDE}>
            Operation
          </Box>
          <Box role="columnheader" sx={WIDE}>
            Result
          </Box>
          <span role="columnheader">Status</span>
          <Box role="columnheader" sx={WIDE}>
            Took
          </Box>
        </Box>
        <Box ref={scroller} role="rowgroup" tabIndex={0} sx={{ height: 'min(60vh, 640px)', overflow: 'auto' }}>
          <Box role="presentation" sx={{ position: 'relative' }} style={{ height: rows.getTotalSize() }}>
            {rows.getVirtualItems().map(({ index, key, start }) => {
              const record = records[index]!;
              const failed = record.kind !== 'ok';
              return (
                <Box
                  key={String(key)}
                  role="row"
                  aria-rowindex={index + 2}
                  sx={{ ...COLUMNS, height: ROW, position: 'absolute', inset: '0 0 auto', fontSize: '0.85rem' }}
                  style={{ transform: `translateY(${start}px)` }}
                >
                  <span role="cell">
                    <Link component={To} to={`/activity/${record.request_id}`}>
                      {clock.format(record.at_ms)}
                    </Link>
                  </span>
                  <Typography role="cell" variant="inherit" noWrap>
                    {record.integration}
                    {record.connection !== 'default' && ` / ${record.connection}`}
                  </Typography>
                  <Typography role="cell" variant="inherit" noWrap sx={WIDE}>
                    {record.operation}
                  </Typography>
                  <Typography role="cell" variant="inherit" noWrap color={failed ? 'error' : undefined} sx={WIDE}>
                    {spaced(record.kind ?? '')}
                  </Typography>
                  <Typography role="cell" variant="inherit" color={failed ? 'error' : undefined}>
                    {record.status ?? '—'}
                  </Typography>
                  <Box role="cell" sx={WIDE}>
                    {record.millis?.toFixed(0)} ms
                  </Box>
                </Box>
              );
            })}
          </Box>
          {calls.data?.length === 0 && (
            <Typography sx={{ p: 2 }} color="text.secondary">
              No calls yet, or none that fit.
            </Typography>
          )}
        </Box>
      </Paper>
    </Stack>
  );
}

/** Results that one looks for. */
const KINDS = ['ok', 'rejected', 'unauthenticated', 'rate_limited', 'throttled', 'unavailable', 'timeout', 'circuit_open', 'blocked', 'disabled'];
