// How one integration is: health with its reason, what limits it, and a test that says at which step it fails.
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useQuery } from '@tanstack/react-query';
import { useParams } from 'react-router';
import { health, integration, list } from '../api/queries';
import { Account } from '../parts/Account';
import { Facts } from '../parts/Facts';
import { HealthLine } from '../parts/HealthLine';
import { Steps } from '../parts/Steps';
import { Trouble } from '../parts/Trouble';
import { ago, spaced } from '../words';

export function Overview() {
  const { id = '' } = useParams();
  const states = useQuery(health);
  const read = useQuery(integration(id));
  const items = useQuery(list);
  const state = states.data?.[id];
  const now = states.dataUpdatedAt;
  const { breaker, concurrency, rate_limit } = read.data?.state ?? {};
  const account = items.data?.find((item) => item.integration_id === id)?.account;
  return (
    <Stack spacing={2}>
      {read.error && <Trouble error={read.error} retry={() => void read.refetch()} />}
      <Card component="section" aria-labelledby="health" sx={{ p: 2, minHeight: 190 }}>
        <Stack spacing={1.5} sx={{ alignItems: 'flex-start' }}>
          <Typography variant="h2" id="health">
            Health
          </Typography>
          {state && (
            <>
              <HealthLine health={state} now={now} />
              <Facts
                facts={[
                  ['Why', spaced(state.reason_code)],
                  ['Known from', state.evidence],
                  ['Checked', ago(state.checked_at_ms, now)],
                  ['The check took', state.latency_ms > 0 ? `${state.latency_ms.toFixed(1)} ms` : undefined],
                  ['Failures in a row', state.traffic?.consecutive_failures],
                ]}
              />
            </>
          )}
          <Button size="small" onClick={() => void states.refetch()}>
            Check again
          </Button>
        </Stack>
      </Card>
      {account && <Account id={id} account={account} />}
      <Steps id={id} />
      <Card component="section" aria-labelledby="limits" sx={{ p: 2, minHeight: 130 }}>
        <Typography variant="h2" id="limits" sx={{ mb: 1.5 }}>
          Limits now
        </Typography>
        <Facts
          facts={[
            ['Circuit', breaker && `${spaced(breaker.state)}${breaker.reason ? `: ${breaker.reason}` : ''}`],
            ['Under way', concurrency && `${concurrency.in_flight} of ${concurrency.max}`],
            ['Waiting', concurrency?.waiting],
            ['Rate limits', rate_limit && (rate_limit.limits.length || 'none')],
          ]}
        />
      </Card>
    </Stack>
  );
}
