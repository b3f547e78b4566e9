// The attempts to forward a webhook to one target, one below the other, with what each came to.
import Box from '@mui/material/Box';
import Link from '@mui/material/Link';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import type { ReactNode } from 'react';
import { Link as To } from 'react-router';
import type { Forwarding, Webhook } from '../api/operate';
import { count, moment, span } from '../words';
import { WebhookState } from './WebhookState';

export function Forwardings({ delivery, now, children }: { delivery: Webhook['deliveries'][number]; now: number; children: ReactNode }) {
  const { to, state, attempts, next_attempt_ms: next, error, tries = [] } = delivery;
  const first = attempts - tries.length + 1;
  return (
    <div>
      <Stack direction="row" useFlexGap sx={{ gap: 1, flexWrap: 'wrap', alignItems: 'center' }}>
        <Typography component="h3" variant="body1" sx={{ fontWeight: 600, wordBreak: 'break-word' }}>
          To {to}
        </Typography>
        <WebhookState state={state} />
        <Typography variant="body2" color="textSecondary">
          {count(attempts, 'attempt')}
          {next && next > now ? `, tried again in ${span(next - now)}` : ''}
        </Typography>
        <Box sx={{ flexGrow: 1 }} />
        {children}
      </Stack>
      {tries.length > 0 ? (
        <Box component="ol" start={first} aria-label={`Attempts to forward it to ${to}`} sx={{ m: 0, mt: 0.5, pl: 3.5 }}>
          {tries.map((one) => (
            <Try key={`${one.at_ms} ${one.request_id}`} one={one} />
          ))}
        </Box>
      ) : (
        error && (
          <Typography variant="body2" color="error" sx={{ wordBreak: 'break-word' }}>
            {error}
          </Typography>
        )
      )}
    </div>
  );
}

function Try({ one }: { one: Forwarding }) {
  return (
    <Typography component="li" variant="body2" sx={{ wordBreak: 'break-word', py: 0.25 }}>
      {moment(one.at_ms)}, {span(one.millis)}:{' '}
      <Box component="span" sx={{ color: one.error ? 'error.main' : 'success.main' }}>
        {one.error ?? 'forwarded'}
      </Box>
      {one.request_id && (
        <>
          {' '}
          <Link component={To} to={`/activity/${one.request_id}`}>
            Its record
          </Link>
        </>
      )}
    </Typography>
  );
}
