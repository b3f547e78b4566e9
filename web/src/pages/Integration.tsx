// One integration: its name, its switch, and the tabs of what there is to see of it.
import Box from '@mui/material/Box';
import Chip from '@mui/material/Chip';
import Stack from '@mui/material/Stack';
import Switch from '@mui/material/Switch';
import Tab from '@mui/material/Tab';
import Tabs from '@mui/material/Tabs';
import Typography from '@mui/material/Typography';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useLocation, useParams } from 'react-router';
import { list } from '../api/queries';
import { useSwitch } from '../api/switch';
import { Trouble } from '../parts/Trouble';

const TABS = [
  ['', 'Overview'],
  ['try', 'Try it'],
  ['configure', 'Configure'],
  ['activity', 'Activity'],
] as const;

export function Integration() {
  const { id = '' } = useParams();
  const { pathname } = useLocation();
  const items = useQuery(list);
  const turn = useSwitch();
  const item = items.data?.find((one) => one.integration_id === id);
  const base = `/integrations/${encodeURIComponent(id)}`;
  const tab = TABS.find(([path]) => path !== '' && pathname.endsWith(`/${path}`))?.[0] ?? '';
  if (items.error) {
    return <Trouble error={items.error} retry={() => void items.refetch()} />;
  }
  if (items.data && !item) {
    return <Trouble error={new Error(`There is no integration ${id}; it may have been removed.`)} />;
  }
  return (
    <Stack spacing={2}>
      <Box sx={{ display: 'flex', alignItems: 'center', gap: 1, minHeight: 40 }}>
        <Typography variant="h1" noWrap>
          {item?.name || id}
        </Typography>
        {item && (
          <>
            <Chip size="small" label={item.type} />
            <Box sx={{ flexGrow: 1 }} />
            <Switch
              checked={item.enabled ?? false}
              disabled={item.source !== 'store'}
              onChange={(_, enabled) => turn({ id, name: item.name || id, enabled })}
              slotProps={{ input: { 'aria-label': `${item.name || id} is on`, role: 'switch' } }}
            />
          </>
        )}
      </Box>
      <Tabs component="nav" aria-label="Of this integration" value={tab} variant="scrollable" allowScrollButtonsMobile>
        {TABS.map(([path, label]) => (
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
      <Outlet />
    </Stack>
  );
}
