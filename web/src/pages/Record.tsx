// One call, by a link that can be passed on.
import Card from '@mui/material/Card';
import Link from '@mui/material/Link';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useQuery } from '@tanstack/react-query';
import { Link as To, useParams } from 'react-router';
import { activity } from '../api/queries';
import { Facts } from '../parts/Facts';
import { Trouble } from '../parts/Trouble';
import { spaced } from '../words';

const moment = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'long' });

export function Record() {
  const { id = '' } = useParams();
  const calls = useQuery({ ...activity({ request_id: id }), refetchInterval: false });
  const record = calls.data?.[0];
  return (
    <Stack spacing={2}>
      <Typography variant="h1">A call</Typography>
      {calls.error && <Trouble error={calls.error} retry={() => void calls.refetch()} />}
      {calls.data && !record && (
        <Typography role="status">The server does not remember this call: it keeps the latest ones, until it is started again.</Typography>
      )}
      {record && (
        <Card sx={{ p: 2 }}>
          <Stack spacing={2}>
            <Link component={To} to={`/integrations/${encodeURIComponent(record.integration ?? '')}`}>
              {record.integration}
            </Link>
            <Facts
              facts={[
                ['When', record.at_ms && moment.format(record.at_ms)],
                ['Result', spaced(record.kind ?? '')],
                ['Status', record.status],
                ['Operation', record.operation],
                ['Connection', record.connection],
                ['Attempts', record.attempts],
                ['Took', record.millis && `${record.millis.toFixed(1)} ms`],
                ['Bytes sent', record.bytes_sent],
                ['Bytes received', record.bytes_received],
                ['Cache', record.cache],
                ['Request ID', record.request_id],
              ]}
            />
          </Stack>
        </Card>
      )}
      <Link component={To} to="/activity">
        All calls
      </Link>
    </Stack>
  );
}
