// Sends what a form says and shows the reply: its status, time, headers and body.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Chip from '@mui/material/Chip';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { send } from '../api/send';
import { token } from '../api/token';
import { curl } from '../curl';
import { useNotice } from './Notices';
import { Trouble } from './Trouble';

interface Props {
  path: string;
  body: string;
  disabled?: boolean;
  /** The form, which is given what sends it and the buttons to show. */
  children: (send: () => void, buttons: ReactNode) => ReactNode;
}

const CODE = {
  m: 0,
  p: 1.5,
  borderRadius: 1,
  bgcolor: 'action.hover',
  overflow: 'auto',
  maxHeight: 480,
  fontFamily: 'ui-monospace, monospace',
  fontSize: '0.85rem',
  whiteSpace: 'pre-wrap',
  wordBreak: 'break-word',
};

export function Sender({ path, body, disabled = false, children }: Props) {
  const notice = useNotice();
  const call = useMutation({ mutationFn: () => send(path, body) });
  const copy = () =>
    navigator.clipboard.writeText(curl(location.origin + path, body, token() !== null)).then(
      () => notice({ text: 'Copied' }),
      () => notice({ text: 'The browser did not let the page copy' }),
    );
  const buttons = (
    <Box sx={{ display: 'flex', gap: 1, mt: 2 }}>
      <Button type="submit" variant="contained" disabled={disabled || call.isPending}>
        Send
      </Button>
      <Button onClick={() => void copy()}>Copy as curl</Button>
    </Box>
  );
  const reply = call.data;
  return (
    <Stack spacing={2}>
      {children(() => call.mutate(), buttons)}
      {call.error && <Trouble error={new Error('The server did not answer: see that it runs and that this computer reaches it')} />}
      <Stack component="section" aria-label="Reply" aria-live="polite" spacing={1}>
        {reply && (
          <>
            <Box sx={{ display: 'flex', gap: 1, alignItems: 'center' }}>
              <Chip color={reply.ok ? 'success' : 'error'} label={reply.status} />
              <Typography variant="body2">{reply.millis.toFixed(0)} ms</Typography>
            </Box>
            <Box component="pre" tabIndex={0} aria-label="Body" sx={CODE}>
              {reply.body}
            </Box>
            <details>
              <summary>Headers</summary>
              <Box component="pre" tabIndex={0} aria-label="Headers" sx={CODE}>
                {reply.headers.map(([name, value]) => `${name}: ${value}`).join('\n')}
              </Box>
            </details>
          </>
        )}
      </Stack>
    </Stack>
  );
}
