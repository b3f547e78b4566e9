// Calls an integration by hand: an action by its form, or a request as JSON, and shows what came back.
import MenuItem from '@mui/material/MenuItem';
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useParams } from 'react-router';
import { actions, integration } from '../api/queries';
import { ActionForm } from '../parts/ActionForm';
import { RequestForm } from '../parts/RequestForm';
import { Trouble } from '../parts/Trouble';
import { PROTOCOLS } from '../protocols';

export function Try() {
  const { id = '' } = useParams();
  const known = useQuery(actions(id));
  const read = useQuery(integration(id));
  const [chosen, setChosen] = useState('');
  const error = known.error ?? read.error;
  if (error) {
    return <Trouble error={error} retry={() => void Promise.all([known.refetch(), read.refetch()])} />;
  }
  if (!known.data || !read.data) {
    return null;
  }
  const path = `/api/v1/integrations/${encodeURIComponent(id)}`;
  const action = known.data[chosen];
  const type = String(read.data.document.type ?? 'rest');
  return (
    <Stack spacing={2}>
      {Object.keys(known.data).length > 0 && (
        <TextField select label="What to do" value={chosen} onChange={(event) => setChosen(event.target.value)} sx={{ maxWidth: 420 }}
          slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}
        >
          <MenuItem value="">A request as JSON</MenuItem>
          {Object.entries(known.data).map(([name, { title }]) => (
            <MenuItem key={name} value={name}>
              {title || name}
            </MenuItem>
          ))}
        </TextField>
      )}
      {action ? (
        <ActionForm key={chosen} path={`${path}/actions/${encodeURIComponent(chosen)}`} action={action} />
      ) : (
        <RequestForm path={`${path}/call`} example={PROTOCOLS[type]?.request ?? {}} />
      )}
    </Stack>
  );
}
