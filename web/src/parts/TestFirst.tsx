// A test of what a form says, before anything of it is saved.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import LinearProgress from '@mui/material/LinearProgress';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useMutation } from '@tanstack/react-query';
import { useRef } from 'react';
import { ask } from '../api/ask';
import type { Schemas } from '../api/client';
import { same } from '../changes';
import { Tested } from './Tested';
import { Trouble } from './Trouble';

export function TestFirst({ document }: { document: Record<string, unknown> }) {
  const stop = useRef<AbortController>(undefined);
  const test = useMutation({
    mutationFn: (integration: Record<string, unknown>) => {
      stop.current = new AbortController();
      return ask<Schemas['Tested']>('/api/v1/integrations/try', {}, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ integration }),
        signal: stop.current.signal,
      });
    },
  });
  const cancelled = test.error?.name === 'AbortError';
  const stale = test.data && !same(document, test.variables);
  return (
    <Stack component="section" aria-label="Test before saving" spacing={1}>
      <Box role="status">
        {test.isPending && <LinearProgress aria-label="The service is being asked" />}
        {test.data && (
          <Box sx={stale ? { opacity: 0.6 } : {}}>
            <Tested tested={test.data} />
          </Box>
        )}
        {stale && <Typography variant="body2">The form has changed since: test again.</Typography>}
        {cancelled && <Typography variant="body2">Cancelled.</Typography>}
      </Box>
      {test.error && !cancelled && <Trouble error={test.error} />}
      <Stack direction="row" spacing={1} sx={{ alignItems: 'center' }}>
        <Button variant="outlined" disabled={test.isPending} onClick={() => test.mutate(document)}>
          Test
        </Button>
        {test.isPending && <Button onClick={() => stop.current?.abort()}>Cancel</Button>}
        <Typography variant="body2" color="textSecondary">
          Asks the service with what stands above. Nothing is saved.
        </Typography>
      </Stack>
    </Stack>
  );
}
