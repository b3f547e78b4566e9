// What limits an integration or one of its connections now, as it changes, and what an operator can do about it.
import MenuItem from '@mui/material/MenuItem';
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import Typography from '@mui/material/Typography';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useParams } from 'react-router';
import { tell } from '../api/ask';
import type { Schemas } from '../api/client';
import { connection, connections, type Figures, lastHour, pathOf } from '../api/operate';
import { integration } from '../api/queries';
import { Circuit } from '../parts/Circuit';
import { Confirm } from '../parts/Confirm';
import { type Fact, Facts } from '../parts/Facts';
import { Foot } from '../parts/Foot';
import { Gauge } from '../parts/Gauge';
import { useNotice } from '../parts/Notices';
import { Part } from '../parts/Part';
import { Trouble } from '../parts/Trouble';
import { useFilter } from '../parts/useFilter';
import { hourOf } from '../hour';
import { share } from '../range';
import { count, size, span, spaced } from '../words';

/** Milliseconds after which a state that is looked at is asked for again. */
const AGAIN = 2_000;

export function Limits() {
  const { id = '' } = useParams();
  const { value, set } = useFilter();
  const chosen = value('connection') || 'default';
  const own = useQuery({ ...integration(id), refetchInterval: AGAIN });
  const theirs = useQuery({ ...connection(id, chosen), enabled: chosen !== 'default', refetchInterval: AGAIN });
  const names = useInfiniteQuery(connections(id, false));
  const found = names.data?.pages.flatMap((page) => page.connections.map((one) => one.connection ?? '')) ?? [];
  const all = [...new Set(['default', ...found, chosen])];
  const read = chosen === 'default' ? own : theirs;
  const state = read.data?.state;
  const again = () => read.refetch();
  const hours = useQuery(lastHour);
  // All at once: what comes late would push down what one already reads.
  const ready = !names.isPending && !hours.isPending;
  return (
    <Stack spacing={2}>
      {all.length > 1 && (
        <TextField
          select
          label="Connection"
          value={chosen}
          onChange={(event) => set('connection', event.target.value === 'default' ? '' : event.target.value)}
          sx={{ maxWidth: 320 }}
        >
          {all.map((name) => (
            <MenuItem key={name} value={name}>
              {name}
            </MenuItem>
          ))}
        </TextField>
      )}
      {ready && read.data && !state && (
        <Typography role="status">
          {chosen === 'default'
            ? 'It is not open, so nothing limits it: switch it on, or mend its configuration.'
            : 'No call has come through this connection since the server started, or it rests: nothing is counted for it now.'}
        </Typography>
      )}
      {ready && state && <States id={id} connection={chosen} state={state} done={again} />}
      {ready && state && chosen !== 'default' && (
        <Part title="Cache">
          <Kept cache={state.cache} />
        </Part>
      )}
      {ready && own.data && chosen === 'default' && (
        <Cache id={id} configured={own.data.document.cache_config} cache={state?.cache} figures={hours.data?.integrations[id]} done={again} />
      )}
      <Foot>{read.error && <Trouble error={read.error} retry={() => void again()} />}</Foot>
    </Stack>
  );
}

const COUNTED: Record<string, string> = {
  here: 'by this server',
  shared: 'by all servers together',
  local_share: 'by this server, which has its share while the others cannot be asked',
  open: 'by nobody: what counts for all servers cannot be reached, and calls go through',
  closed: 'by nobody: what counts for all servers cannot be reached, and calls are refused',
};

interface Of {
  id: string;
  connection: string;
  state: Schemas['State'];
  done: () => Promise<unknown>;
}

function States({ id, connection: name, state, done }: Of) {
  const { breaker, concurrency, forward, pool, rate_limit: rate } = state;
  return (
    <>
      <Part title="Circuit breaker">
        {breaker ? <Circuit id={id} connection={name} breaker={breaker} done={done} /> : <None>It is switched off in the configuration.</None>}
      </Part>
      <Part title="Rate limits">
        {rate ? (
          <>
            {rate.limits.map((limit, index) => (
              <Gauge
                key={index}
                label={`${count(limit.requests, 'attempt')} in ${span(limit.per_seconds * 1000)}${limit.learned ? ', as the service says' : ''}`}
                now={limit.available}
                most={limit.burst}
                says={`${limit.available} of ${limit.burst} left`}
                left
              />
            ))}
            {rate.limits.length === 0 && <None>None is configured, and the service has told of none.</None>}
            <Facts
              facts={[
                ['Waiting', count(rate.waiting, 'call')],
                ['Paused by the service for', rate.paused_for_seconds ? span(rate.paused_for_seconds * 1000) : undefined],
                ['Counted', COUNTED[rate.counted] ?? spaced(rate.counted)],
                ['Shared among', rate.servers ? count(rate.servers, 'server') : undefined],
              ]}
            />
          </>
        ) : (
          <None>They are switched off in the configuration.</None>
        )}
      </Part>
      <Part title="Concurrency">
        {concurrency ? (
          <>
            <Gauge
              label="Under way"
              now={concurrency.in_flight}
              most={concurrency.max}
              says={`${concurrency.in_flight} of ${concurrency.max}`}
            />
            <Facts facts={[['Waiting', count(concurrency.waiting, 'call')]]} />
          </>
        ) : (
          <None>Any number of calls may be under way.</None>
        )}
      </Part>
      {pool && (
        <Part title="Pool of connections">
          <Gauge label="In use" now={pool.used} most={pool.max} says={`${pool.used} of ${pool.max}, ${pool.idle} idle`} />
          <Facts
            facts={[
              ['Waiting', count(pool.waiting, 'call')],
              ['Gave up waiting', count(pool.timeouts, 'call')],
              ['Opened so far', pool.opened.toLocaleString('en')],
              ...(pool.lag ?? []).map(({ queue, group, messages }): Fact => [`Not dealt with, ${[queue, group].filter(Boolean).join(', ')}`, messages]),
              ['Put aside', pool.put_aside],
              ['Failed to be put aside', pool.put_aside_failed || undefined],
              ['Readers', pool.readers],
            ]}
          />
        </Part>
      )}
      {forward?.length > 0 && (
        <Part title="Messages passed on">
          {forward.map((one) => (
            <Facts
              key={`${one.queue} ${one.to}`}
              facts={[
                ['From', one.queue],
                ['To', one.connection ? `${one.to} / ${one.connection}` : one.to],
                ['State', one.reason ? `${spaced(one.state)}: ${one.reason}` : spaced(one.state)],
                ['Passed on', one.forwarded.toLocaleString('en')],
                ['Failed', one.failed.toLocaleString('en')],
                ['Put aside', one.put_aside.toLocaleString('en')],
              ]}
            />
          ))}
        </Part>
      )}
    </>
  );
}

function None({ children }: { children: string }) {
  return (
    <Typography variant="body2" color="textSecondary">
      {children}
    </Typography>
  );
}

/** How much is kept, of how much, and what else is known. */
function Kept({ cache, facts = [] }: { cache: Schemas['State']['cache']; facts?: Fact[] }) {
  return cache ? (
    <>
      <Gauge
        label="Kept of all integrations together"
        now={cache.all_bytes}
        most={cache.max_bytes}
        says={`${size(cache.all_bytes)} of ${size(cache.max_bytes)}`}
      />
      <Facts
        facts={[
          ['Kept', count(cache.entries, 'reply', 'replies')],
          ['Size', size(cache.bytes)],
          ...facts,
        ]}
      />
    </>
  ) : (
    <None>Nothing is kept: it is switched off in the configuration, or the integration is not open.</None>
  );
}

interface CacheOf {
  id: string;
  configured: unknown;
  cache: Schemas['State']['cache'];
  figures: Figures | undefined;
  done: () => Promise<unknown>;
}

function Cache({ id, configured, cache, figures, done }: CacheOf) {
  const notice = useNotice();
  const { calls } = hourOf(figures);
  const hits = figures?.cache_hits ?? 0;
  return (
    <Part title="Cache">
      {cache && (
        <None>{configured ? 'Replies are kept as the configuration says.' : 'Replies are kept only where the service allows it (Cache-Control).'}</None>
      )}
      <Kept cache={cache} facts={[['From the cache in the last hour', `${hits.toLocaleString('en')} of ${count(calls, 'call')} (${share(hits, calls)})`]]} />
      <div>
        <Confirm
          label="Forget all replies"
          title="Forget all replies?"
          yes="Forget them"
          no="Keep them"
          act={async () => {
            await tell('DELETE', `${pathOf(id)}/cache`);
            notice({ text: 'The replies are forgotten: the next calls ask the service' });
            await done();
          }}
        >
          All replies that are kept for {id} go, those of its connections too. The next calls ask the service, which costs time and what it counts of its
          limits.
        </Confirm>
      </div>
    </Part>
  );
}
