// A button that runs a test, what it came to, and a way to stop it while it runs.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import LinearProgress from '@mui/material/LinearProgress';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useRef } from 'react';
import { request } from '../api/ask';
import type { Schemas } from '../api/client';
import { same } from '../changes';
import { parse, stringify } from '../exact';
import { Tested } from './Tested';
import { Trouble } from './Trouble';

interface Props {
  label: string;
  path: string;
  /** What is sent; where it has changed since, the outcome is an old one. */
  body: object;
  /** Beside the button. */
  children?: ReactNode;
}

export function RunTest({ label, path, body, children }: Props) {
  const stop = useRef<AbortController>(undefined);
  const test = useMutation({
    mutationFn: async (sent: object) => {
      stop.current = new AbortController();
      const headers = { 'Content-Type': 'application/json' };
      const answer = await request(path, { method: 'POST', headers, body: stringify(sent), signal: stop.current.signal });
      return parse(await answer.text()) as Schemas['Tested'];
    },
  });
  const cancelled = test.error?.name === 'AbortError';
  const stale = test.data && !same(body, test.variables);
  return (
    <Stack spacing={1} sx={{ width: '100%' }}>
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
      <Stack direction={{ xs: 'column', sm: 'row' }} spacing={1} sx={{ alignItems: { xs: 'flex-start', sm: 'center' } }}>
        {/* One button for both, so that the keyboard stays where it is. */}
        <Button variant="outlined" sx={{ flex: 'none' }} onClick={() => (test.isPending ? stop.current?.abort() : test.mutate(body))}>
          {test.isPending ? 'Cancel' : label}
        </Button>
        <Typography variant="body2" color="textSecondary">
          {children}
        </Typography>
      </Stack>
    </Stack>
  );
}
