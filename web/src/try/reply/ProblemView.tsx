// An error that Trunkline tells of: what happened, what to do, and what the service said.
import Alert from '@mui/material/Alert';
import AlertTitle from '@mui/material/AlertTitle';
import Box from '@mui/material/Box';
import Link from '@mui/material/Link';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { Link as To } from 'react-router';
import { Facts } from '../../parts/Facts';
import { written } from '../json';
import type { Read } from './read';
import { CODE } from './style';

/** Whether the service can have acted. */
const OUTCOMES: Record<string, string> = {
  not_sent: 'nothing was sent',
  rejected: 'the service did nothing',
  applied: 'the service did it',
  unknown: 'nobody knows whether the service did it',
};

/** What a person can do, where that follows from the kind: words, and the page of the integration where it is done. */
const ADVICE: Record<string, [string, string]> = {
  unauthenticated: ['Give it a credential that the service accepts', 'configure'],
  forbidden: ['Give it a credential that may do this', 'configure'],
  needs_reauth: ['Connect the account again', ''],
  disabled: ['Turn the integration on', ''],
  unknown_host: ['See that its address is right', 'configure'],
  blocked: ['See that its address is right, or allow it in egress.allow', 'configure'],
  circuit_open: ['See the circuit, and close it', 'limits'],
  throttled: ['See the limits that are configured', 'configure'],
  timeout: ['See how long the calls before took', 'activity'],
};

const moment = new Intl.DateTimeFormat('en', { timeStyle: 'medium', hourCycle: 'h23' });

export function ProblemView({ problem }: { problem: NonNullable<Read['problem']> }) {
  const { title, detail, type, kind, integration, outcome, retry_at: at, context = {}, upstream } = problem as typeof problem & { retry_at?: string };
  const advice = ADVICE[String(kind)];
  const instant = at ? Date.parse(at) : NaN;
  return (
    <Stack spacing={1}>
      <Alert severity="error" role="alert">
        <AlertTitle>{title}</AlertTitle>
        {detail}
        <Box sx={{ mt: 0.5, display: 'flex', columnGap: 2, flexWrap: 'wrap' }}>
          {advice && integration && (
            <Link component={To} to={`/integrations/${encodeURIComponent(integration)}${advice[1] && `/${advice[1]}`}`} color="inherit">
              {advice[0]}
            </Link>
          )}
          {type?.startsWith('/docs/') && (
            <Link href={type} target="_blank" rel="noreferrer" color="inherit">
              What this means
            </Link>
          )}
        </Box>
      </Alert>
      <Facts
        facts={[
          ['Outcome', OUTCOMES[String(outcome)]],
          ['Again at', Number.isNaN(instant) ? undefined : moment.format(instant)],
          ...Object.entries(context).map(([key, value]): [string, string] => [key, String(value)]),
        ]}
      />
      {upstream && (
        <Box>
          <Typography variant="body2" color="textSecondary">
            The service answered {upstream.status}
            {upstream.body === undefined ? '.' : ':'}
          </Typography>
          {upstream.body !== undefined && (
            <Box component="pre" tabIndex={0} aria-label="What the service said" sx={CODE}>
              {typeof upstream.body === 'string' ? upstream.body : written(upstream.body)}
            </Box>
          )}
        </Box>
      )}
    </Stack>
  );
}
