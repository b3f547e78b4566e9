// How an integration is, since when and why: by a colour, and by words for those who do not see it.
import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';
import type { Schemas } from '../api/client';
import { ago, spaced } from '../words';

const COLOURS: Record<string, string> = {
  healthy: 'success.main',
  degraded: 'warning.main',
  unhealthy: 'error.main',
};

/** What is well needs no reason. */
const PLAIN = new Set(['answered', 'disabled']);

export function HealthLine({ health, now }: { health: Schemas['Health']; now: number }) {
  const reason = PLAIN.has(health.reason_code) ? '' : (health.detail ?? spaced(health.reason_code));
  return (
    <Box sx={{ display: 'flex', gap: 1, alignItems: 'baseline', minWidth: 0 }}>
      <Box
        aria-hidden
        sx={{ width: 10, height: 10, borderRadius: 5, flex: 'none', bgcolor: COLOURS[health.state] ?? 'text.disabled' }}
      />
      <Typography variant="body2" noWrap title={reason}>
        <strong>{health.state}</strong> since {ago(health.since_ms, now)}
        {reason && `: ${reason}`}
      </Typography>
    </Box>
  );
}
