// One integration of the list: what it is, how it is, what it did in the last hour, and its switch.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import Chip from '@mui/material/Chip';
import Link from '@mui/material/Link';
import Skeleton from '@mui/material/Skeleton';
import Switch from '@mui/material/Switch';
import Tooltip from '@mui/material/Tooltip';
import Typography from '@mui/material/Typography';
import { Link as To } from 'react-router';
import type { Schemas } from '../api/client';
import { useSwitch } from '../api/switch';
import type { Hour } from '../hour';
import { count } from '../words';
import { HealthLine } from './HealthLine';
import { Sparkline } from './Sparkline';

export type Item = Schemas['List'][number];

/** All cards have one height, so that nothing moves when they are filled. */
const HEIGHT = 200;

/** Why the switch of one that is configured elsewhere does not turn. */
export const OWNERS: Record<string, string> = {
  file: 'It is configured in the file of the server: change it there',
  demo: 'The samples of --demo stay as they are: add an integration of your own',
};

interface Props {
  item: Item;
  health: Schemas['Health'] | undefined;
  hour: Hour | undefined;
  now: number;
}

export function IntegrationCard({ item, health, hour, now }: Props) {
  const turn = useSwitch();
  const id = item.integration_id ?? '';
  const path = `/integrations/${encodeURIComponent(id)}`;
  const fixed = OWNERS[item.source ?? 'store'];
  return (
    <Card component="li" sx={{ p: 2, height: HEIGHT, display: 'flex', flexDirection: 'column', gap: 1 }}>
      <Box sx={{ display: 'flex', alignItems: 'center', gap: 1 }}>
        <Typography variant="h2" noWrap sx={{ flexGrow: 1 }}>
          <Link component={To} to={path} underline="hover" color="inherit">
            {item.name || id}
          </Link>
        </Typography>
        {item.vendor && <Chip size="small" variant="outlined" color="primary" label={item.vendor} sx={{ maxWidth: 120 }} />}
        <Chip size="small" label={item.type} />
        <Tooltip title={fixed ?? ''}>
          <span>
            <Switch
              checked={item.enabled ?? false}
              disabled={fixed !== undefined}
              onChange={(_, enabled) => turn({ id, name: item.name || id, enabled })}
              slotProps={{ input: { 'aria-label': `${item.name || id} is on`, role: 'switch' } }}
            />
          </span>
        </Tooltip>
      </Box>
      <Typography
        variant="body2"
        color="textSecondary"
        sx={{ flexGrow: 1, overflow: 'hidden', display: '-webkit-box', WebkitLineClamp: 2, WebkitBoxOrient: 'vertical', maxHeight: '2.9em' }}
      >
        {item.description}
      </Typography>
      <Box sx={{ mt: 'auto', height: 24 }}>
        {item.error ? (
          <Typography variant="body2" color="error" noWrap title={item.error}>
            {item.error}
          </Typography>
        ) : health ? (
          <HealthLine short health={health} now={now} />
        ) : (
          <Skeleton width="60%" />
        )}
      </Box>
      <Box sx={{ display: 'flex', alignItems: 'center', gap: 1.5, height: 36 }}>
        {hour ? (
          <>
            <Sparkline hour={hour} />
            <Typography variant="body2" color="textSecondary" noWrap sx={{ flexGrow: 1 }}>
              {count(hour.calls, 'call')}
              {hour.errors > 0 && `, ${count(hour.errors, 'error')}`}
            </Typography>
          </>
        ) : (
          <Skeleton width={96} height={24} sx={{ mr: 'auto' }} />
        )}
        <Button component={To} to={`${path}/configure`} size="small" aria-label={`Configure ${item.name || id}`}>
          Configure
        </Button>
      </Box>
    </Card>
  );
}

/** The place of a card that is not known yet. */
export function CardSkeleton() {
  return (
    <Card component="li" aria-hidden sx={{ p: 2, height: HEIGHT }}>
      <Skeleton width="50%" height={32} />
      <Skeleton />
      <Skeleton width="80%" />
    </Card>
  );
}
