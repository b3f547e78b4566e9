// Calls an integration by hand: an action by its form, or a request in the editor of its type, and shows what came back.
import Alert from '@mui/material/Alert';
import Autocomplete from '@mui/material/Autocomplete';
import Box from '@mui/material/Box';
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import { useQuery } from '@tanstack/react-query';
import { Suspense } from 'react';
import { useParams } from 'react-router';
import { api, value } from '../api/client';
import { actions, integration, list } from '../api/queries';
import { token } from '../api/token';
import { Trouble } from '../parts/Trouble';
import { ActionForm } from '../try/ActionForm';
import { useDraft, useUnkept } from '../try/draft';
import { OTHER, REQUESTS } from '../try/requests/requests';

export function Try() {
  const { id = '' } = useParams();
  return <TryOf key={id} id={id} />;
}

function TryOf({ id }: { id: string }) {
  const known = useQuery(actions(id));
  const read = useQuery(integration(id));
  const connections = useQuery({
    queryKey: ['connections', id, 'names'],
    queryFn: () => value(api.GET('/api/v1/integrations/{id}/connections', { params: { path: { id }, query: { limit: '1000' } } })),
  });
  const items = useQuery(list);
  const [chosen, setChosen] = useDraft(`${id}.action`, '');
  const [connection, setConnection] = useDraft(`${id}.connection`, '');
  const unkept = useUnkept();
  const error = known.error ?? read.error;
  if (error && !(known.data && read.data)) {
    return <Trouble error={error} retry={() => void Promise.all([known.refetch(), read.refetch()])} />;
  }
  if (!known.data || !read.data || connections.isPending || items.isPending) {
    return null;
  }
  const { document } = read.data;
  const action = known.data[chosen];
  // Of a connector the document does not say it.
  const type = items.data?.find((one) => one.integration_id === id)?.type ?? String(document.type ?? 'rest');
  const named = (connections.data?.connections ?? []).map((one) => one.connection ?? '');
  // That is the integration itself.
  const names = named.filter((name) => name !== 'default');
  const base = {
    origin: location.origin,
    id,
    token: token() !== null,
    ...(connection ? { connection } : {}),
    ...(typeof document.connector === 'string' ? { connector: document.connector } : {}),
  };
  const Request = REQUESTS[type] ?? OTHER;
  const options = Object.keys(known.data);
  return (
    <Stack spacing={2}>
      {(options.length > 0 || names.length > 0) && (
        <Box sx={{ display: 'grid', gap: 1.5, gridTemplateColumns: { xs: '1fr', sm: '1fr 1fr' } }}>
          {options.length > 0 && (
            <Autocomplete
              options={['', ...options]}
              value={action ? chosen : ''}
              disableClearable
              getOptionLabel={(name) => (name === '' ? 'A request of your own' : known.data[name]?.title || name)}
              onChange={(_, name) => setChosen(name)}
              renderInput={(params) => <TextField {...params} label="What to do" />}
            />
          )}
          {names.length > 0 && (
            <Autocomplete
              options={names}
              value={names.includes(connection) ? connection : null}
              onChange={(_, name) => setConnection(name ?? '')}
              renderInput={(params) => <TextField {...params} label="Connection" placeholder="the integration's own" />}
            />
          )}
        </Box>
      )}
      {unkept && (
        <Alert severity="warning" role="status">
          This request is too long to be kept while you look at another page: it is gone when you leave this one. Copy it if you want it again.
        </Alert>
      )}
      {action ? (
        <ActionForm key={chosen} base={base} type={type} name={chosen} action={action} />
      ) : (
        <Suspense fallback={null}>
          <Request base={base} type={type} document={document} />
        </Suspense>
      )}
    </Stack>
  );
}
