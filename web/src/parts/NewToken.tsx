// Makes an API token, and shows it this once.
import Button from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogTitle from '@mui/material/DialogTitle';
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import Typography from '@mui/material/Typography';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { tell } from '../api/ask';
import type { Schemas } from '../api/client';
import { copied } from '../copied';
import { useNotice } from './Notices';
import { Trouble } from './Trouble';

const DAY = 86_400_000;

/** For how long a token may hold, in milliseconds as text, and in words. */
const LASTING = [
  ['', 'until it is revoked'],
  [String(30 * DAY), '30 days'],
  [String(90 * DAY), '90 days'],
  [String(365 * DAY), 'a year'],
] as const;

export function NewToken({ made }: { made: () => void }) {
  const [open, setOpen] = useState(false);
  const [name, setName] = useState('');
  const [lasting, setLasting] = useState('');
  const make = useMutation({
    mutationFn: () =>
      tell<Schemas['MadeApiToken']>('POST', '/api/v1/tokens', {
        name: name.trim(),
        ...(lasting ? { expires_at_ms: Date.now() + Number(lasting) } : {}),
      }),
    onSuccess: made,
  });
  const begin = () => {
    make.reset();
    setName('');
    setLasting('');
    setOpen(true);
  };
  // Once it is closed, the page does not have the token any more.
  const close = () => {
    setOpen(false);
    make.reset();
  };
  return (
    <>
      <Button size="small" variant="outlined" onClick={begin}>
        New token
      </Button>
      {/* A slip of the mouse must not lose what is shown once. */}
      <Dialog open={open} onClose={() => !make.isPending && !make.data && close()} fullWidth maxWidth="sm">
        <DialogTitle>{make.data ? `The token of ${make.data.name}` : 'New token'}</DialogTitle>
        {make.data ? (
          <Shown token={make.data.token} close={close} />
        ) : (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              make.mutate();
            }}
          >
            <DialogContent>
              <Stack spacing={2}>
                <TextField
                  label="Name"
                  helperText="What uses it, such as billing"
                  value={name}
                  required
                  autoFocus
                  autoComplete="off"
                  onChange={(event) => setName(event.target.value)}
                  slotProps={{ htmlInput: { maxLength: 100 } }}
                />
                <TextField
                  select
                  label="Holds"
                  value={lasting}
                  onChange={(event) => setLasting(event.target.value)}
                  slotProps={{ select: { native: true }, inputLabel: { shrink: true } }}
                >
                  {LASTING.map(([millis, says]) => (
                    <option key={millis} value={millis}>
                      {says}
                    </option>
                  ))}
                </TextField>
                {make.error && <Trouble error={make.error} />}
              </Stack>
            </DialogContent>
            <DialogActions>
              <Button disabled={make.isPending} onClick={close}>
                Leave it
              </Button>
              <Button type="submit" variant="contained" disabled={name.trim() === '' || make.isPending}>
                Make it
              </Button>
            </DialogActions>
          </form>
        )}
      </Dialog>
    </>
  );
}

function Shown({ token, close }: { token: string; close: () => void }) {
  const notice = useNotice();
  const copy = () =>
    copied(token).then(
      () => notice({ text: 'Copied' }),
      () => notice({ text: 'The browser did not let the page copy: select the token and copy it' }),
    );
  return (
    <>
      <DialogContent>
        <Typography gutterBottom>Copy it now: it is not shown again.</Typography>
        <TextField
          label="The token"
          value={token}
          fullWidth
          margin="dense"
          onFocus={(event) => event.target.select()}
          slotProps={{ htmlInput: { readOnly: true, sx: { fontFamily: 'ui-monospace, monospace' } } }}
        />
      </DialogContent>
      <DialogActions>
        <Button autoFocus onClick={() => void copy()}>
          Copy
        </Button>
        <Button variant="contained" onClick={close}>
          I have it
        </Button>
      </DialogActions>
    </>
  );
}
