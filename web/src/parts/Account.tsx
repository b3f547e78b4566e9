// The account that calls are made for, where a person has to connect one.
import Card from '@mui/material/Card';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ask } from '../api/ask';
import { pathOf, standing } from '../api/operate';
import { ago, spaced } from '../words';
import { Act } from './Act';
import { Confirm } from './Confirm';
import { Facts } from './Facts';
import { useNotice } from './Notices';
import { Trouble } from './Trouble';

interface Props {
  id: string;
  account: string;
  /** Whose it is; the integration's own unless one is named. */
  connection?: string;
  /** Whose service it is, where that is known. */
  vendor?: string | undefined;
}

export function Account({ id, account, connection, vendor }: Props) {
  const queries = useQueryClient();
  const notice = useNotice();
  const path = `${pathOf(id)}/oauth`;
  const known = useQuery(standing(id, connection));
  const connect = useMutation({
    mutationFn: () => ask<{ url: string }>(`${path}/authorize`, { connection }, { headers: { Accept: 'application/json' } }),
    onSuccess: ({ url }) => location.assign(url),
  });
  const forget = async () => {
    const done = await ask<{ revoked?: boolean }>(path, { connection }, { method: 'DELETE' });
    await queries.invalidateQueries();
    notice({ text: done.revoked ? 'The account is forgotten, and the provider knows it' : 'The account is forgotten here; its provider was not told' });
  };
  const state = known.data?.state ?? account;
  const { reason, scope, expires_at_ms: expires, last_attempt: last, redirect_uri: redirect } = known.data ?? {};
  const now = known.dataUpdatedAt;
  return (
    <Card component="section" aria-labelledby="account" sx={{ p: 2 }}>
      <Stack spacing={1.5} sx={{ alignItems: 'flex-start' }}>
        <Typography variant="h2" id="account">
          Account
        </Typography>
        <Typography variant="body2">{SAYS[state] ?? `It is ${spaced(state)}.`}</Typography>
        <Facts
          facts={[
            ['Why', reason],
            ['Scope', scope],
            ['Access token', expires ? (expires > now ? 'valid' : 'expired: it is renewed with the next call') : undefined],
            ['Last attempt', last ? `${spaced(last.kind)}, ${ago(last.at_ms, now)}${last.detail ? `: ${last.detail}` : ''}` : undefined],
            ['Redirect URI to register', redirect],
          ]}
        />
        {connect.error && <Trouble error={connect.error} />}
        <Stack direction="row" spacing={1}>
          <Act
            size="small"
            variant={state === 'connected' ? 'outlined' : 'contained'}
            busy={connect.isPending}
            onClick={() => connect.mutate()}
          >
            {state === 'connected' ? 'Connect another account' : state === 'needs_reauth' ? 'Connect it again' : vendor ? `Connect with ${vendor}` : 'Connect an account'}
          </Act>
          {(state === 'connected' || state === 'needs_reauth') && (
            <Confirm label="Forget it" title="Forget the account?" yes="Forget it" no="Keep it" danger act={forget}>
              Its tokens go, and the provider is told where it can be. Calls fail until somebody connects an account again.
            </Confirm>
          )}
        </Stack>
      </Stack>
    </Card>
  );
}

const SAYS: Record<string, string> = {
  not_connected: 'No account is connected yet: calls fail until a person connects one.',
  pending: 'Somebody is about to connect an account.',
  connected: 'An account is connected.',
  needs_reauth: 'The account has to be connected again: calls fail until then.',
};
