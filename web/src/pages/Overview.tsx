// How one integration is: health with its reason, traffic in figures and charts, and a test that says at which step it fails.
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import Link from '@mui/material/Link';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useQuery } from '@tanstack/react-query';
import { Link as To, useParams } from 'react-router';
import { health, integration, list } from '../api/queries';
import { Account } from '../parts/Account';
import { Facts } from '../parts/Facts';
import { Figures } from '../parts/Figures';
import { HealthLine } from '../parts/HealthLine';
import { Steps } from '../parts/Steps';
import { Trouble } from '../parts/Trouble';
import { PROTOCOLS } from '../protocols';
import { ago, span, spaced } from '../words';

export function Overview() {
  const { id = '' } = useParams();
  const states = useQuery(health);
  const read = useQuery(integration(id));
  const items = useQuery(list);
  const state = states.data?.[id];
  const now = states.dataUpdatedAt;
  const item = items.data?.find((one) => one.integration_id === id);
  const account = item?.account;
  const text = (key: string) => {
    const value = read.data?.document[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const traffic = state?.traffic;
  const failed = traffic?.last_failure_ms;
  return (
    <Stack spacing={2}>
      {read.error && <Trouble error={read.error} retry={() => void read.refetch()} />}
      {states.error && <Trouble error={states.error} retry={() => void states.refetch()} />}
      <Card component="section" aria-labelledby="health" sx={{ p: 2, minHeight: { xs: 310, sm: 180 } }}>
        <Stack spacing={1.5} sx={{ alignItems: 'flex-start', '& > *': { maxWidth: '100%' } }}>
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
                  ['The check took', state.latency_ms > 0 ? span(state.latency_ms) : undefined],
                  ['Last success', traffic?.last_success_ms ? ago(traffic.last_success_ms, now) : undefined],
                  ['Last failure', failed ? `${spaced(traffic?.last_failure_kind ?? 'failed')}, ${ago(failed, now)}` : undefined],
                  ['Failures in a row', traffic?.consecutive_failures],
                ]}
              />
            </>
          )}
          <Stack direction="row" spacing={1} sx={{ '&&': { ml: -0.625 } }}>
            <Button size="small" onClick={() => void states.refetch()} disabled={states.isFetching}>
              Check again
            </Button>
            {failed && traffic?.last_failure_kind && (
              <Button size="small" component={To} to={`activity?kind=${encodeURIComponent(traffic.last_failure_kind)}`}>
                Calls that failed so
              </Button>
            )}
          </Stack>
        </Stack>
      </Card>
      {account && <Account id={id} account={account} />}
      <Figures id={id} />
      <Card component="section" aria-labelledby="facts" sx={{ p: 2, minHeight: 120 }}>
        <Typography variant="h2" id="facts" sx={{ mb: 1.5 }}>
          What it is
        </Typography>
        {read.data && (
          <Facts
            facts={[
              ['Type', PROTOCOLS[text('type') ?? '']?.title ?? text('type') ?? 'REST'],
              ['Address', text('base_url')],
              ['Authentication', spaced(text('auth_type') ?? (text('connector') ? 'by its connector' : 'none'))],
              ['Connector', text('connector')],
              ['Version of the API', versionOf(read.data.document)],
              ['Configured in', SOURCES[read.data.source] ?? read.data.source],
              ['Changed', item?.updated_at_ms ? ago(item.updated_at_ms, now || Date.now()) : undefined],
            ]}
          />
        )}
        <Typography variant="body2" sx={{ mt: 1.5 }}>
          <Link component={To} to="limits">
            What limits it now
          </Link>
        </Typography>
      </Card>
      <Steps id={id} />
    </Stack>
  );
}

const SOURCES: Record<string, string> = { store: 'this server', file: 'the file of the server', demo: 'the samples of --demo' };

/** The dated version that connectors of some vendors ask for. */
function versionOf({ inputs }: Record<string, unknown>): string | undefined {
  const version = (inputs as Record<string, unknown> | undefined)?.api_version;
  return typeof version === 'string' ? version : undefined;
}
