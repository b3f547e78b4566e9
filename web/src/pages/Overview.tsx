// How one integration is: health with its reason, traffic in figures and charts, and a test that says at which step it fails.
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import Link from '@mui/material/Link';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link as To, useParams } from 'react-router';
import { pathOf, standing } from '../api/operate';
import { health, integration, list } from '../api/queries';
import { Account } from '../parts/Account';
import { Facts } from '../parts/Facts';
import { Figures } from '../parts/Figures';
import { HealthPart } from '../parts/HealthPart';
import { Steps } from '../parts/Steps';
import { Trouble } from '../parts/Trouble';
import { PROTOCOLS } from '../protocols';
import { ago, spaced } from '../words';

/** Milliseconds after which one who looks at it is told anew how it is. */
const AGAIN = 10_000;

export function Overview() {
  const { id = '' } = useParams();
  const queries = useQueryClient();
  const read = useQuery(integration(id));
  const items = useQuery(list);
  const item = items.data?.find((one) => one.integration_id === id);
  const account = item?.account;
  const known = useQuery({ ...standing(id), enabled: account !== undefined });
  // All at once: what comes late would push down what one already reads. Health can take long, and has its room.
  const ready = !read.isPending && (account === undefined || !known.isPending);
  const text = (key: string) => {
    const value = read.data?.document[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  return (
    <Stack spacing={2}>
      <HealthPart
        key={id}
        path={`${pathOf(id)}/health`}
        queryKey={['health', id]}
        before={queries.getQueryData(health.queryKey)?.[id]}
        again={AGAIN}
      >
        {(state) =>
          state?.traffic?.last_failure_kind && (
            <Button size="small" component={To} to={`activity?kind=${encodeURIComponent(state.traffic.last_failure_kind)}`}>
              Calls that failed so
            </Button>
          )
        }
      </HealthPart>
      {ready && (
        <>
          {account && <Account id={id} account={account} vendor={item?.vendor} />}
          <Figures id={id} />
          <Card component="section" aria-labelledby="facts" sx={{ p: 2 }}>
            <Typography variant="h2" id="facts" sx={{ mb: 1.5 }}>
              What it is
            </Typography>
            {read.error && <Trouble error={read.error} retry={() => void read.refetch()} />}
            {read.data && (
              <Facts
                facts={[
                  ['Type', PROTOCOLS[text('type') ?? '']?.title ?? text('type') ?? 'REST'],
                  ['Address', text('base_url')],
                  ['Authentication', spaced(text('auth_type') ?? (text('connector') ? 'by its connector' : 'none'))],
                  ['Connector', text('connector')],
                  ['Version of the API', versionOf(read.data.document)],
                  ['Configured in', SOURCES[read.data.source] ?? read.data.source],
                  ['Changed', item?.updated_at_ms ? ago(item.updated_at_ms, items.dataUpdatedAt || Date.now()) : undefined],
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
        </>
      )}
    </Stack>
  );
}

const SOURCES: Record<string, string> = { store: 'this server', file: 'the file of the server', demo: 'the samples of --demo' };

/** The dated version that connectors of some vendors ask for. */
function versionOf({ inputs }: Record<string, unknown>): string | undefined {
  const version = (inputs as Record<string, unknown> | undefined)?.api_version;
  return typeof version === 'string' ? version : undefined;
}
