// Asks for the API token when the server wants one, and shows the rest of the UI behind it: with what was typed there, if it was open before.
import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import Typography from '@mui/material/Typography';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState, useSyncExternalStore } from 'react';
import { isRefused, setToken, subscribe, token, wasAccepted } from '../api/token';

export function Door({ children }: { children: ReactNode }) {
  const closed = useSyncExternalStore(subscribe, isRefused);
  return (
    <>
      {(!closed || wasAccepted()) && <Box sx={{ display: closed ? 'none' : 'contents' }}>{children}</Box>}
      {closed && <Asking />}
    </>
  );
}

function Asking() {
  const queries = useQueryClient();
  const [typed, setTyped] = useState('');
  const enter = (event: FormEvent) => {
    event.preventDefault();
    setToken(typed.trim());
    if (wasAccepted()) {
      void queries.invalidateQueries();
    } else {
      queries.clear();
    }
  };
  return (
    <Box component="main" sx={{ display: 'grid', placeItems: 'center', minHeight: '100vh', p: 2 }}>
      <Card sx={{ p: 3, width: '100%', maxWidth: 420 }}>
        <Stack component="form" spacing={2} onSubmit={enter}>
          <Typography variant="h1">Trunkline</Typography>
          <Typography>
            This server asks for an API token: the value of <code>TRUNKLINE_API_TOKEN</code>, or one that was made for you. It is kept until you
            close this tab.
          </Typography>
          {token() !== null && (
            <Alert severity="error" role="alert">
              That is not a token of this server, or it was revoked. Look for spaces at its ends, or ask whoever runs the server.
            </Alert>
          )}
          <TextField
            label="API token"
            type="password"
            autoComplete="off"
            autoFocus
            required
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
          <Button type="submit" variant="contained" disabled={typed.trim() === ''}>
            Continue
          </Button>
        </Stack>
      </Card>
    </Box>
  );
}
