// Webhooks that came for an integration, and how far each is on its way.
import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import Link from '@mui/material/Link';
import Skeleton from '@mui/material/Skeleton';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { useRef } from 'react';
import { Link as To, useParams } from 'react-router';
import { useAddress } from '../api/address';
import { useHooked } from '../api/hooked';
import { redeliver, type Webhook, webhooks } from '../api/operate';
import { Act } from '../parts/Act';
import { Foot } from '../parts/Foot';
import { More } from '../parts/More';
import { useNotice } from '../parts/Notices';
import { Trouble } from '../parts/Trouble';
import { WebhookState } from '../parts/WebhookState';
import { count, moment, span, spaced } from '../words';

export function Webhooks() {
  const { id = '' } = useParams();
  const pages = useInfiniteQuery(webhooks(id));
  const all = pages.data?.pages.flat() ?? [];
  const now = pages.dataUpdatedAt;
  const hooked = useHooked(id);
  const lines = useRef<HTMLUListElement>(null);
  const { url, known } = useAddress();
  return (
    <Stack spacing={2}>
      {hooked === false && (
        <Typography role="status">
          It takes no webhooks: its configuration says nothing of them. Add <code>webhooks</code> where you{' '}
          <Link component={To} to="../configure">
            configure it
          </Link>
          .
        </Typography>
      )}
      {hooked !== false && (
        <Typography variant="body2" color="textSecondary">
          The service sends them to <code>{`${url}/hooks/${encodeURIComponent(id)}`}</code>
          {known === false && ', or to the same path of the address under which it reaches this server: server.public_url is not set'}.
        </Typography>
      )}
      {pages.isPending && <Skeleton variant="rounded" height={90} />}
      {hooked && pages.data && all.length === 0 && <Typography role="status">No webhook has come yet.</Typography>}
      {all.length > 0 && (
        <Box component="ul" ref={lines} aria-label="Webhooks" sx={{ m: 0, p: 0, display: 'grid', gap: 1 }}>
          {all.map((one) => (
            <Event key={one.number} id={id} event={one} now={now} done={() => void pages.refetch()} />
          ))}
        </Box>
      )}
      <More label="Show older ones" some={pages.hasNextPage} busy={pages.isFetchingNextPage} more={() => void pages.fetchNextPage()} list={lines} />
      <Foot>{pages.error && <Trouble error={pages.error} retry={() => void pages.refetch()} />}</Foot>
    </Stack>
  );
}

function Event({ id, event, now, done }: { id: string; event: Webhook; now: number; done: () => void }) {
  const notice = useNotice();
  const again = useMutation({
    mutationFn: () => redeliver(id, event.id),
    onSuccess: (text) => {
      notice({ text });
      done();
    },
  });
  return (
    <Card component="li" sx={{ px: 2, py: 1.25 }}>
      <Stack direction="row" useFlexGap sx={{ gap: 1, flexWrap: 'wrap', alignItems: 'center' }}>
        <WebhookState state={event.state} />
        <Link component={To} to={encodeURIComponent(event.id)} sx={{ fontWeight: 600, wordBreak: 'break-word' }} aria-label={`${event.type ?? 'of no known type'}, ${event.id}`}>
          {event.type ?? 'of no known type'}
        </Link>
        <Typography variant="body2" color="textSecondary" sx={{ wordBreak: 'break-all' }}>
          {event.id}
        </Typography>
        <Box sx={{ flexGrow: 1 }} />
        <Typography variant="body2" color="textSecondary">
          {moment(event.received_at_ms)}
        </Typography>
        {event.deliveries.some((one) => one.state !== 'forwarded') && (
          <Act size="small" busy={again.isPending} aria-label={`Forward ${event.id} once more`} onClick={() => again.mutate()}>
            Forward again
          </Act>
        )}
      </Stack>
      {again.error && <Trouble error={again.error} />}
      {event.deliveries.map((one) => (
        <Typography key={one.to} variant="body2" color={one.error ? 'error' : 'textSecondary'} sx={{ mt: 0.5, wordBreak: 'break-word' }}>
          to {one.to}: {spaced(one.state)}, {count(one.attempts, 'attempt')}
          {one.next_attempt_ms && one.next_attempt_ms > now ? `, tried again in ${span(one.next_attempt_ms - now)}` : ''}
          {one.error ? `: ${one.error}` : ''}
        </Typography>
      ))}
    </Card>
  );
}
