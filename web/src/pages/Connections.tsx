// The connections of an integration: whose they are, how they stand, and the way to each.
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import Chip from '@mui/material/Chip';
import Link from '@mui/material/Link';
import Skeleton from '@mui/material/Skeleton';
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import Typography from '@mui/material/Typography';
import { queryOptions, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { Link as To, useParams } from 'react-router';
import { type CallRecord, connections, type Listed, records } from '../api/operate';
import { found } from '../found';
import { Foot } from '../parts/Foot';
import { HealthLine } from '../parts/HealthLine';
import { More } from '../parts/More';
import { Trouble } from '../parts/Trouble';
import { SIZE } from '../shelf';
import { ago, spaced } from '../words';

export function Connections() {
  const { id = '' } = useParams();
  const pages = useInfiniteQuery(connections(id, true));
  const all = pages.data?.pages.flatMap((page) => page.connections) ?? [];
  const now = pages.dataUpdatedAt;
  const lately = useQuery(latest(id));
  // Both at once: what comes late would push what one already reads.
  const waits = pages.isPending || lately.isPending;
  const [text, setText] = useState('');
  const lines = useRef<HTMLUListElement>(null);
  const shown = found(
    all.map((one) => ({ ...one, name: one.connection ?? '' })),
    text,
    '',
  );
  // What is looked for may be among those that are not shown yet.
  const more = text.trim() !== '' && pages.hasNextPage && !pages.isFetchingNextPage && !pages.error;
  const { fetchNextPage } = pages;
  useEffect(() => {
    if (more) {
      void fetchNextPage();
    }
  }, [more, all.length, fetchNextPage]);
  return (
    <Stack spacing={2}>
      <Stack direction="row" sx={{ alignItems: 'center', justifyContent: 'space-between', gap: 2 }}>
        <Typography variant="body2" color="textSecondary">
          What each tenant has of its own: an account, a credential, an address. Calls name theirs with <code>Trunkline-Connection</code>.
        </Typography>
        <Button variant="contained" component={To} to="../connect" sx={{ flex: 'none' }}>
          Add
        </Button>
      </Stack>
      <TextField type="search" label="Search connections" value={text} onChange={(event) => setText(event.target.value)} sx={{ maxWidth: 420 }} />
      <Card component="ul" ref={lines} aria-label="Connections" aria-busy={waits} sx={{ p: 0, m: 0, minHeight: 62 }}>
        {waits && <Skeleton sx={{ m: 2 }} />}
        {(waits ? [] : shown).map((one) => (
          <Line key={one.connection} one={one} last={lately.data?.get(one.name)} now={now} />
        ))}
        {!waits && pages.data && shown.length === 0 && (
          <Typography component="li" role="status" sx={{ listStyle: 'none', p: 2 }}>
            {pages.hasNextPage ? 'Looking …' : 'No connection fits.'}
          </Typography>
        )}
      </Card>
      <More label="Show more" some={pages.hasNextPage} busy={pages.isFetchingNextPage} more={() => void pages.fetchNextPage()} list={lines} />
      <Foot>{pages.error && <Trouble error={pages.error} retry={() => void pages.refetch()} />}</Foot>
    </Stack>
  );
}

const COLOURS = { connected: 'success', pending: 'warning', needs_reauth: 'error', not_connected: 'warning' } as const;

/** The last call through each connection, as far as it is among the latest calls of the integration. */
const latest = (id: string) =>
  queryOptions({
    queryKey: ['latest', id],
    queryFn: async () => {
      const newest = await records({ integration: id }, SIZE);
      return new Map(newest.reverse().map((record) => [record.connection, record]));
    },
    refetchInterval: 10_000,
  });

function Line({ one, last, now }: { one: Listed; last: CallRecord | undefined; now: number }) {
  const name = one.connection ?? '';
  const failed = last && last.kind !== 'ok' && last.kind !== 'cancelled';
  return (
    <Stack
      component="li"
      direction="row"
      useFlexGap
      sx={{ gap: 1, px: 2, py: 1.25, flexWrap: 'wrap', alignItems: 'center', '& + li': { borderTop: 1, borderColor: 'divider' } }}
    >
      <Stack sx={{ flexGrow: 1, minWidth: 160, flexBasis: 0 }}>
        <Link component={To} to={encodeURIComponent(name)} sx={{ wordBreak: 'break-word', fontWeight: 600 }}>
          {name}
        </Link>
        <Typography variant="body2" color={one.error ? 'error' : 'textSecondary'}>
          {one.error ?? (name === 'default' ? 'The integration as it is configured' : one.description)}
        </Typography>
        {one.health && one.health.state !== 'disabled' && <HealthLine short health={one.health} now={now} />}
      </Stack>
      {last && (
        <Link component={To} to={`/activity/${last.request_id}`} variant="body2" color={failed ? 'error' : 'textSecondary'}>
          {failed ? `last call failed: ${spaced(last.kind)}` : 'last call went well'}, {ago(last.at_ms, Math.max(now, last.at_ms))}
        </Link>
      )}
      {one.enabled === false && <Chip size="small" label="off" />}
      {one.account && <Chip size="small" variant="outlined" color={COLOURS[one.account]} label={spaced(one.account)} />}
      <Typography variant="body2" color="textSecondary">
        {one.updated_at_ms ? `changed ${ago(one.updated_at_ms, now)}` : ''}
      </Typography>
    </Stack>
  );
}
