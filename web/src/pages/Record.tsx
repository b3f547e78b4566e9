// One call, by a link that can be passed on: what became of each attempt, and the calls beside it.
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import Link from '@mui/material/Link';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useQuery } from '@tanstack/react-query';
import { Link as To, useParams } from 'react-router';
import { type CallRecord, isCall, neighboursOf, recordOf } from '../api/operate';
import { CopyLink } from '../parts/CopyLink';
import { type Fact, Facts } from '../parts/Facts';
import { Trouble } from '../parts/Trouble';
import { Waterfall } from '../parts/Waterfall';
import { moment, span, spaced } from '../words';

export function Record() {
  const { id = '' } = useParams();
  const found = useQuery(recordOf(id));
  const record = found.data ?? undefined;
  return (
    <Stack spacing={2}>
      <Typography variant="h1">{record && !isCall(record) ? 'An event' : 'A call'}</Typography>
      {found.error && <Trouble error={found.error} retry={() => void found.refetch()} />}
      {found.data === null && (
        <Typography role="status">
          The server does not remember this call: it keeps the latest ones only. One that has just ended is here in a moment: load the page again.
        </Typography>
      )}
      {record && <Shown record={record} />}
      {/* What comes late would push it down. */}
      {!found.isPending && (
        <Link component={To} to="/activity">
          All calls
        </Link>
      )}
    </Stack>
  );
}

function Shown({ record }: { record: CallRecord }) {
  const beside = useQuery(neighboursOf(record));
  const path = `/integrations/${encodeURIComponent(record.integration)}`;
  const near = [
    ['Call before', beside.data?.before],
    ['Call after', beside.data?.after],
  ] as const;
  const { tries } = record;
  const called = isCall(record);
  return (
    <>
      <Card sx={{ p: 2 }}>
        <Stack spacing={2}>
          <Link component={To} to={path}>
            {record.integration}
          </Link>
          <Facts
            facts={[
              ['When', moment(record.at_ms)],
              ['Result', spaced(record.kind)],
              ['Status', record.status],
              ['Action', record.action ? spaced(record.action) : undefined],
              ['Operation', spaced(record.operation)],
              ['Connection', record.connection],
              ...(called ? figures(record) : []),
              ['Request ID', record.request_id],
            ]}
          />
        </Stack>
      </Card>
      {called && (
        <Card component="section" aria-labelledby="attempts" sx={{ p: 2 }}>
          <Typography variant="h2" id="attempts" sx={{ mb: 1 }}>
            Attempts
          </Typography>
          {tries.length > 0 ? (
            <Waterfall tries={tries} millis={record.millis} />
          ) : (
            <Typography variant="body2" color="textSecondary">
              {record.attempts === 0
                ? 'None: the call was answered, or refused, before anything was sent.'
                : `${record.attempts === 1 ? 'One' : record.attempts}, of which nothing more is known.`}
            </Typography>
          )}
        </Card>
      )}
      <Stack direction="row" useFlexGap sx={{ gap: 1, flexWrap: 'wrap' }}>
        {near.map(([label, other]) =>
          other ? (
            <Button key={label} variant="outlined" component={To} to={`/activity/${other.request_id}`}>
              {label}
            </Button>
          ) : (
            <Button key={label} variant="outlined" disabled>
              {label}
            </Button>
          ),
        )}
        <Button component={To} to={`${path}/activity?since=${record.at_ms - 60_000}`}>
          Calls since a minute before
        </Button>
        <CopyLink />
      </Stack>
    </>
  );
}

/** What there is to count of a call. */
function figures(record: CallRecord): Fact[] {
  return [
    ['Failed in part', record.partial_errors || undefined],
    ['Attempts', record.attempts],
    ['Took', span(record.millis)],
    ['Bytes sent', record.bytes_sent.toLocaleString('en')],
    ['Bytes received', record.bytes_received.toLocaleString('en')],
    ['Cache', record.cache || undefined],
  ];
}
