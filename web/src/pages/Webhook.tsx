// One webhook, by a link that can be passed on: what came, how it was checked, and how far it is on its way.
import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import Link from '@mui/material/Link';
import Skeleton from '@mui/material/Skeleton';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { Link as To, useParams } from 'react-router';
import { type Came, redeliver, webhook } from '../api/operate';
import { CopyLink } from '../parts/CopyLink';
import { Act } from '../parts/Act';
import { Facts } from '../parts/Facts';
import { Forwardings } from '../parts/Forwardings';
import { useNotice } from '../parts/Notices';
import { Part } from '../parts/Part';
import { Trouble } from '../parts/Trouble';
import { WebhookState } from '../parts/WebhookState';
import { Body } from '../try/reply/Body';
import { decoded, mediaOf } from '../try/reply/read';
import { CODE } from '../try/reply/style';
import { count, moment, size, spaced } from '../words';

/** Who signs in this way. */
const SIGNERS: Record<string, string> = {
  stripe: 'as Stripe signs',
  twilio: 'as Twilio signs',
  hubspot: 'as HubSpot signs',
  standard: 'by Standard Webhooks',
  hmac: 'by the HMAC of the configuration',
};

export function Webhook() {
  const { id = '', event = '' } = useParams();
  const read = useQuery(webhook(id, event));
  return (
    <Stack spacing={2}>
      {read.error && <Trouble error={read.error} retry={() => void read.refetch()} />}
      {read.isPending && <Skeleton variant="rounded" height={160} />}
      {read.data && <Shown id={id} came={read.data} now={read.dataUpdatedAt} done={() => void read.refetch()} />}
      {/* What comes late would push it down. */}
      {!read.isPending && (
        <Link component={To} to={`/integrations/${encodeURIComponent(id)}/webhooks`}>
          All webhooks
        </Link>
      )}
    </Stack>
  );
}

function Shown({ id, came, now, done }: { id: string; came: Came; now: number; done: () => void }) {
  const { event, headers, bytes } = came;
  const notice = useNotice();
  const again = useMutation({
    mutationFn: (to: string) => redeliver(id, event.id, to),
    onSuccess: (text) => {
      notice({ text });
      done();
    },
  });
  const media = mediaOf(headers);
  const text = useMemo(() => decoded(bytes), [bytes]);
  const { verified, deliveries } = event;
  return (
    <>
      <Card sx={{ p: 2 }}>
        <Stack spacing={2}>
          <Stack direction="row" useFlexGap sx={{ gap: 1, flexWrap: 'wrap', alignItems: 'center' }}>
            <Typography variant="h2" sx={{ wordBreak: 'break-word' }}>
              {event.type ?? 'A webhook of no known type'}
            </Typography>
            <WebhookState state={event.state} />
          </Stack>
          <Facts
            facts={[
              ['Came', moment(event.received_at_ms)],
              ['ID', event.id],
              ['Signature checked', verified ? (SIGNERS[verified.type] ?? spaced(verified.type)) : 'yes'],
              ['Signed', verified?.signed_at_ms ? moment(verified.signed_at_ms) : undefined],
              ['Sent by', headers.get('user-agent')],
              ['Sent from', headers.get('x-forwarded-for')],
              ['Kind', media || undefined],
              ['Size', size(bytes.length)],
            ]}
          />
          <Stack direction="row" useFlexGap sx={{ gap: 1, flexWrap: 'wrap' }}>
            <CopyLink />
          </Stack>
        </Stack>
      </Card>
      <Part title="On its way">
        {deliveries.length === 0 && (
          <Typography variant="body2" color="textSecondary">
            It is kept here and goes nowhere: the integration named no target when it came.
          </Typography>
        )}
        {deliveries.map((one) => (
          <Forwardings key={one.to} delivery={one} now={now}>
            <Act size="small" busy={again.isPending} aria-label={`Forward again to ${one.to}`} onClick={() => again.mutate(one.to)}>
              Forward again
            </Act>
          </Forwardings>
        ))}
        {again.error && <Trouble error={again.error} />}
      </Part>
      <Part title="What came">
        <Body reply={came} media={media} text={text} of="webhook" />
        <details>
          <summary>{count([...headers].length, 'header')}</summary>
          <Box component="pre" tabIndex={0} aria-label="Headers" sx={CODE}>
            {[...headers].map(([name, value]) => `${name}: ${value}`).join('\n')}
          </Box>
        </details>
      </Part>
    </>
  );
}
