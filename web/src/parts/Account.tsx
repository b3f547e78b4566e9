// The account that calls are made for, where a person has to connect one.
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useMutation } from '@tanstack/react-query';
import { api, value } from '../api/client';
import { spaced } from '../words';
import { Trouble } from './Trouble';

export function Account({ id, account }: { id: string; account: string }) {
  const connect = useMutation({
    mutationFn: () =>
      value(api.GET('/api/v1/integrations/{id}/oauth/authorize', { params: { path: { id } }, headers: { Accept: 'application/json' } })),
    onSuccess: ({ url }) => location.assign(url),
  });
  return (
    <Card component="section" aria-labelledby="account" sx={{ p: 2 }}>
      <Stack spacing={1} sx={{ alignItems: 'flex-start' }}>
        <Typography variant="h2" id="account">
          Account
        </Typography>
        <Typography variant="body2">It is {spaced(account)}.</Typography>
        {connect.error && <Trouble error={connect.error} />}
        <Button variant={account === 'connected' ? 'text' : 'contained'} disabled={connect.isPending} onClick={() => connect.mutate()}>
          {account === 'connected' ? 'Connect another account' : 'Connect an account'}
        </Button>
      </Stack>
    </Card>
  );
}
