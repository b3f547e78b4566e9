// The list: every integration as a card, with search and filters by type and state.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import MenuItem from '@mui/material/MenuItem';
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import Typography from '@mui/material/Typography';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';
import { lastHour } from '../api/operate';
import { health, list } from '../api/queries';
import { found, STATES, stateOf } from '../found';
import { hourOf } from '../hour';
import { Foot } from '../parts/Foot';
import { CardSkeleton, IntegrationCard } from '../parts/IntegrationCard';
import { Trouble } from '../parts/Trouble';
import { useFilter } from '../parts/useFilter';

const GRID = { display: 'grid', gap: 2, p: 0, m: 0, gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 340px), 1fr))' };

export function Integrations() {
  const items = useQuery(list);
  const states = useQuery(health);
  const calls = useQuery(lastHour);
  const { value, set, clear } = useFilter();
  const [text, type, wanted] = [value('q'), value('type'), value('state')];
  const state = STATES.includes(wanted) ? wanted : '';
  const failed = [items, states, calls].filter(({ error }) => error);
  const wrong = failed[0]?.error;
  const now = Math.max(states.dataUpdatedAt, calls.dataUpdatedAt);
  const types = [...new Set(items.data?.map((item) => item.type ?? ''))].sort();
  // Where health cannot be read, nobody can say that none is so: all are shown, and why.
  const told = states.data !== undefined || !states.error;
  const shown = found(items.data ?? [], text, type).filter(
    (item) => state === '' || !told || stateOf(item, states.data?.[item.integration_id ?? '']?.state) === state,
  );
  // Until health is known, nobody can say that none is so.
  const sought = items.isPending || (state !== '' && states.isPending);

  if (items.data?.length === 0) {
    return <Empty />;
  }
  return (
    <Stack spacing={2}>
      <Box sx={{ display: 'flex', alignItems: 'center', justifyContent: 'space-between' }}>
        <Typography variant="h1">Integrations</Typography>
        <Button component={Link} to="/add" variant="contained">
          Add
        </Button>
      </Box>
      <Box sx={{ display: 'flex', gap: 1, flexWrap: 'wrap' }}>
        <TextField
          type="search"
          label="Search"
          value={text}
          onChange={(event) => set('q', event.target.value)}
          sx={{ flex: { xs: '1 1 100%', sm: '1 1 200px' }, maxWidth: { sm: 420 } }}
        />
        <TextField
          select
          label="Type"
          value={types.includes(type) ? type : ''}
          onChange={(event) => set('type', event.target.value)}
          sx={{ minWidth: 130, flex: { xs: 1, sm: 'none' } }}
        >
          <MenuItem value="">All types</MenuItem>
          {types.map((name) => (
            <MenuItem key={name} value={name}>
              {name}
            </MenuItem>
          ))}
        </TextField>
        <TextField select label="State" value={state} onChange={(event) => set('state', event.target.value)} sx={{ minWidth: 130, flex: { xs: 1, sm: 'none' } }}>
          <MenuItem value="">All states</MenuItem>
          {STATES.map((name) => (
            <MenuItem key={name} value={name}>
              {name}
            </MenuItem>
          ))}
        </TextField>
      </Box>
      {sought && shown.length === 0 && (
        <Box component="ul" aria-label="Loading" sx={GRID}>
          {[0, 1, 2, 3, 4, 5].map((place) => (
            <CardSkeleton key={place} />
          ))}
        </Box>
      )}
      {items.data && !sought && shown.length === 0 && (
        <Typography role="status">
          No integration fits. <Button onClick={clear}>Show all</Button>
        </Typography>
      )}
      {shown.length > 0 && (
        <Box component="ul" aria-label="Integrations" sx={GRID}>
          {shown.map((item) => (
            <IntegrationCard
              key={item.integration_id}
              item={item}
              health={states.data?.[item.integration_id ?? '']}
              hour={calls.data && hourOf(calls.data.integrations[item.integration_id ?? ''])}
              now={now}
            />
          ))}
        </Box>
      )}
      <Foot>{wrong && <Trouble error={wrong} retry={() => failed.forEach((one) => void one.refetch())} />}</Foot>
    </Stack>
  );
}

/** Where nothing is connected yet. */
function Empty() {
  return (
    <Stack spacing={2} sx={{ alignItems: 'center', textAlign: 'center', py: 8 }}>
      <Typography variant="h1">Connect your first service</Typography>
      <Typography color="textSecondary" sx={{ maxWidth: 520 }}>
        An integration is a service that your application calls: Trunkline adds the credential, keeps the limits, tries
        again where that is safe, and shows what happened.
      </Typography>
      <Button component={Link} to="/add" variant="contained" size="large">
        Add an integration
      </Button>
    </Stack>
  );
}
