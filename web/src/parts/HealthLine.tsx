// How an integration is, for how long and why: by a colour, and by words for those who do not see it.
import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';
import type { Schemas } from '../api/client';
import { lasting, spaced } from '../words';

const COLOURS: Record<string, string> = {
  healthy: 'success.main',
  degraded: 'warning.main',
  unhealthy: 'error.main',
};

/** In words, where nothing more is known. What is well needs none. */
const REASONS: Record<string, string> = {
  answered: '',
  disabled: '',
  not_checked: 'nobody has called or checked it yet',
  stale: 'nobody has called or checked it lately',
};

interface Props {
  health: Schemas['Health'];
  now: number;
  /** In one line, however long it is: among many. */
  short?: boolean;
  /** In so many lines at most, by the width. */
  lines?: { xs: number; sm: number } | undefined;
}

export function HealthLine({ health, now, short = false, lines }: Props) {
  const reason = health.detail ?? REASONS[health.reason_code] ?? spaced(health.reason_code);
  // For how long nothing has been known says nothing.
  const since = health.state === 'unknown' ? '' : ` ${lasting(health.since_ms, now)}`;
  return (
    <Box sx={{ display: 'flex', gap: 1, alignItems: 'baseline', minWidth: 0 }}>
      <Box
        aria-hidden
        sx={{ width: 10, height: 10, borderRadius: 5, flex: 'none', bgcolor: COLOURS[health.state] ?? 'text.disabled' }}
      />
      <Typography variant="body2" noWrap={short} {...(short ? { title: reason } : { sx: { overflowWrap: 'anywhere', ...(lines && clamped(lines)) } })}>
        <strong>{health.state}</strong>
        {since}
        {reason && `: ${reason}`}
      </Typography>
    </Box>
  );
}

function clamped(lines: { xs: number; sm: number }) {
  return { display: '-webkit-box', overflow: 'hidden', WebkitBoxOrient: 'vertical', WebkitLineClamp: { xs: `${lines.xs}`, sm: `${lines.sm}` } };
}
