// One integration: its name, its switch, and the tabs of what there is to see of it.
import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Chip from '@mui/material/Chip';
import Skeleton from '@mui/material/Skeleton';
import Stack from '@mui/material/Stack';
import Switch from '@mui/material/Switch';
import Tab from '@mui/material/Tab';
import Tabs from '@mui/material/Tabs';
import Tooltip from '@mui/material/Tooltip';
import Typography from '@mui/material/Typography';
import useMediaQuery from '@mui/material/useMediaQuery';
import { useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import { Link, Outlet, useLocation, useParams } from 'react-router';
import { useHooked } from '../api/hooked';
import { list } from '../api/queries';
import { useSwitch } from '../api/switch';
import { OWNERS } from '../parts/IntegrationCard';
import { Missing } from '../parts/Missing';
import { Trouble } from '../parts/Trouble';

const TABS = [
  ['', 'Overview'],
  ['try', 'Try it'],
  ['configure', 'Configure'],
  ['connections', 'Connections'],
  ['limits', 'Limits'],
  ['activity', 'Activity'],
  // Not all have it, which is known last.
  ['webhooks', 'Webhooks'],
] as const;

/** Pages on which something may have been typed: they stay where the integration is removed meanwhile. */
const TYPED = new Set(['try', 'configure', 'connections', 'connect']);

/** What the pages of an integration are told. */
export interface Place {
  /** It was there when the page was opened, and is no more. */
  removed: boolean;
}

export function Integration() {
  const { id = '' } = useParams();
  const { pathname } = useLocation();
  const items = useQuery(list);
  const turn = useSwitch();
  const item = items.data?.find((one) => one.integration_id === id);
  const base = `/integrations/${encodeURIComponent(id)}`;
  const here = pathname.split('/')[3] ?? '';
  const hooked = useHooked(id);
  const tabs = TABS.filter(([path]) => path !== 'webhooks' || hooked || here === path);
  // A new connection is one of them.
  const tab = tabs.find(([path]) => path === (here === 'connect' ? 'connections' : here))?.[0] ?? '';
  // Where not all have room, arrows say that there are more. Known from the width alone, so that no tab moves when they come.
  const narrow = useMediaQuery('(max-width: 899.95px)', { noSsr: true });
  const known = useRef<{ path: string; item: typeof item }>(undefined);
  if (item) {
    known.current = { path: pathname, item };
  }
  const removed = items.data !== undefined && !item && known.current?.path === pathname && TYPED.has(here);
  const name = (item ?? (removed ? known.current?.item : undefined))?.name || id;
  // What was loaded stays where it cannot be loaded again: something may have been typed there.
  if (items.error && !items.data) {
    return <Trouble error={items.error} retry={() => void items.refetch()} />;
  }
  // Until then nobody knows whether there is such a one, nor what its pages hold.
  if (!items.data) {
    return <Skeleton width={240} height={40} aria-label="Loading" />;
  }
  if (!item && !removed) {
    return <Missing title="No such integration" says={`There is no integration ${id}. It may have been removed.`} to="/" back="All integrations" />;
  }
  return (
    <Stack spacing={2}>
      <Box sx={{ display: 'flex', alignItems: 'center', gap: 1, minHeight: 40 }}>
        <Typography variant="h1" noWrap>
          {name}
        </Typography>
        {item && (
          <>
            {item.vendor && <Chip size="small" variant="outlined" color="primary" label={item.vendor} />}
            <Chip size="small" label={item.type} />
            <Box sx={{ flexGrow: 1 }} />
            <Tooltip title={OWNERS[item.source ?? 'store'] ?? ''}>
              <span>
                <Switch
                  checked={item.enabled ?? false}
                  disabled={item.source !== 'store'}
                  onChange={(_, enabled) => turn({ id, name, enabled })}
                  slotProps={{ input: { 'aria-label': `${name} is on`, role: 'switch' } }}
                />
              </span>
            </Tooltip>
          </>
        )}
      </Box>
      <Tabs
        component="nav"
        aria-label="Of this integration"
        value={tab}
        variant="scrollable"
        scrollButtons={narrow}
        allowScrollButtonsMobile
        // Seen at the ends too, where a gap would be.
        sx={{ '& .MuiTabScrollButton-root.Mui-disabled': { opacity: 0.3 } }}
      >
        {tabs.map(([path, label]) => (
          <Tab
            key={path}
            value={path}
            label={label}
            component={Link}
            to={path ? `${base}/${path}` : base}
            sx={{ textTransform: 'none' }}
          />
        ))}
      </Tabs>
      {/* Forms say so themselves, and what can be done. */}
      {removed && here === 'connections' && pathname.split('/').length === 4 && (
        <Alert severity="warning" role="alert">
          {name} was removed meanwhile.
        </Alert>
      )}
      <Outlet context={{ removed } satisfies Place} />
    </Stack>
  );
}
