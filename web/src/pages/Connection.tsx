// One connection: how it is, the account it calls for, what it has of its own, and a way to remove it.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import Link from '@mui/material/Link';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { Link as To, useNavigate, useParams } from 'react-router';
import { ask, tell } from '../api/ask';
import { Problem, type Schemas } from '../api/client';
import { connection, connectionSchema, pathOf, type Tenant } from '../api/operate';
import { integration, list, schemas } from '../api/queries';
import { same } from '../changes';
import { connectionForm, owned } from '../form/connectionSchema';
import type { Published } from '../form/integrationSchema';
import { type Data, SchemaForm } from '../form/SchemaForm';
import { Account } from '../parts/Account';
import { Confirm } from '../parts/Confirm';
import { Facts } from '../parts/Facts';
import { HealthLine } from '../parts/HealthLine';
import { useNotice } from '../parts/Notices';
import { Steps } from '../parts/Steps';
import { Trouble } from '../parts/Trouble';
import { GONE, Unsaved } from '../parts/Unsaved';
import { span, spaced } from '../words';

/** Beside the connections rather than among them: any name may be a connection's. */
export function AddConnection() {
  const { id = '' } = useParams();
  return (
    <Stack spacing={2}>
      <Up id={id} name="A new connection" />
      <Form id={id} />
    </Stack>
  );
}

export function Connection() {
  const { id = '', connection: name = '' } = useParams();
  // What the form began with stays, however often the page asks again; who comes back begins with what is there then.
  const read = useQuery({ ...connection(id, name), staleTime: Infinity, gcTime: 0, refetchOnWindowFocus: false });
  return (
    <Stack spacing={2}>
      <Up id={id} name={name} />
      {read.error && <Trouble error={read.error} retry={() => void read.refetch()} />}
      <Health id={id} name={name} />
      <Standing id={id} name={name} auth={read.data?.document.auth_type} />
      <Steps id={id} connection={name} />
      {name === 'default' ? (
        <Typography variant="body2">
          This is the integration as it is configured. <Link component={To} to="../configure">Configure it</Link>, or add a connection for what is
          otherwise.
        </Typography>
      ) : (
        read.data && <Form key={read.data.etag} id={id} read={read.data} reload={() => void read.refetch()} />
      )}
    </Stack>
  );
}

function Up({ id, name }: { id: string; name: string }) {
  return (
    <Typography variant="h2" sx={{ wordBreak: 'break-word' }}>
      <Link component={To} to={`/integrations/${encodeURIComponent(id)}/connections`}>
        Connections
      </Link>{' '}
      / {name}
    </Typography>
  );
}

function Health({ id, name }: { id: string; name: string }) {
  const health = useQuery({
    queryKey: ['health', id, name],
    queryFn: () => ask<Schemas['Health']>(`${pathOf(id, name)}/health`),
    refetchOnWindowFocus: false,
  });
  return (
    <Card component="section" aria-labelledby="health" sx={{ p: 2, minHeight: { xs: 226, sm: 184 } }}>
      <Stack spacing={1.5} sx={{ alignItems: 'flex-start' }}>
        <Typography variant="h2" id="health">
          Health
        </Typography>
        {health.error && <Trouble error={health.error} />}
        {health.data ? (
          <>
            <HealthLine health={health.data} now={health.dataUpdatedAt} />
            <Facts
              facts={[
                ['Why', spaced(health.data.reason_code)],
                ['The check took', health.data.latency_ms > 0 ? span(health.data.latency_ms) : undefined],
              ]}
            />
          </>
        ) : (
          <Typography variant="body2" role="status">
            {health.isFetching ? 'The service is asked …' : ''}
          </Typography>
        )}
        <Stack direction="row" spacing={1} sx={{ '&&': { ml: -0.625 } }}>
          <Button size="small" disabled={health.isFetching} onClick={() => void health.refetch()}>
            Check again
          </Button>
          <Button size="small" component={To} to={`../limits?connection=${encodeURIComponent(name)}`}>
            Limits
          </Button>
          <Button size="small" component={To} to={`../activity?connection=${encodeURIComponent(name)}`}>
            Activity
          </Button>
        </Stack>
      </Stack>
    </Card>
  );
}

/** The account, where the connection needs one. */
function Standing({ id, name, auth }: { id: string; name: string; auth: unknown }) {
  const items = useQuery(list);
  const item = items.data?.find((one) => one.integration_id === id);
  const standing = useQuery({
    queryKey: ['account', id, name],
    // A connection that has a way of its own to authenticate may need one though the integration does not.
    enabled: name === 'default' ? item?.account !== undefined : item?.account !== undefined || auth === 'oauth2',
    queryFn: () => ask<Schemas['Standing']>(`${pathOf(id)}/oauth`, { connection: name }),
    // What needs no account is refused, and is no trouble.
    retry: false,
  });
  return standing.data ? <Account id={id} connection={name} account={standing.data.state} /> : null;
}

function Form({ id, read, reload }: { id: string; read?: Tenant; reload?: () => void }) {
  const shape = useQuery(connectionSchema);
  const published = useQuery(schemas);
  const own = useQuery(integration(id));
  const [document] = useState<Data>(read?.document ?? { enabled: true });
  const [data, setData] = useState(document);
  const [saving, setSaving] = useState(false);
  const savingNow = useRef(false);
  const [error, setError] = useState<Error>();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const notice = useNotice();
  const wrong = shape.error ?? published.error ?? own.error;
  // What was loaded stays where it cannot be loaded again: something may have been typed there.
  if (wrong && !(shape.data && published.data && own.data)) {
    return <Trouble error={wrong} retry={() => void Promise.all([shape.refetch(), published.refetch(), own.refetch()])} />;
  }
  if (!shape.data || !published.data || !own.data) {
    return null;
  }
  const name = String(read?.document.connection ?? data.connection ?? '');
  const inherited = String(own.data.document.auth_type ?? 'none');
  const change = (after: Data) => {
    // Credentials of one kind are none of another.
    const { auth_config: _, ...rest } = after;
    setData(after.auth_type === data.auth_type ? after : rest);
  };
  const save = async () => {
    setSaving(true);
    savingNow.current = true;
    setError(undefined);
    try {
      const path = read ? pathOf(id, name) : `${pathOf(id)}/connections`;
      const answer = await tell<{ warnings?: string[] }>(read ? 'PUT' : 'POST', path, owned(data), read ? { 'If-Match': read.etag } : {});
      await queries.invalidateQueries({ queryKey: ['connections', id] });
      await queries.invalidateQueries({ queryKey: ['connection', id, name] });
      void queries.invalidateQueries({ queryKey: ['health', id, name] });
      notice({ text: [read ? 'Saved' : `${name} is added`, ...(answer.warnings ?? [])].join('. ') });
      if (!read) {
        await navigate(`/integrations/${encodeURIComponent(id)}/connections/${encodeURIComponent(name)}`);
      }
    } catch (refused) {
      setError(refused as Error);
    } finally {
      setSaving(false);
      savingNow.current = false;
    }
  };
  const remove = async () => {
    await tell('DELETE', pathOf(id, name), undefined, read ? { 'If-Match': read.etag } : {});
    await queries.invalidateQueries({ queryKey: ['connections', id] });
    await navigate(`/integrations/${encodeURIComponent(id)}/connections`, { state: GONE });
    notice({ text: `${name} is removed` });
  };
  const old = error instanceof Problem && error.status === 412;
  return (
    <Card sx={{ p: 2 }}>
      <SchemaForm
        schema={connectionForm(shape.data, published.data as Published, data, inherited)}
        data={data}
        prefix="connection"
        readonly={read ? ['connection'] : []}
        onChange={change}
        onSubmit={() => void save()}
      >
        <Stack spacing={2} sx={{ mt: 2 }}>
          <Unsaved edited={!same(data, document)} saving={savingNow} />
          {error && <Trouble error={old ? new Error('Somebody else changed this connection. Nothing was saved: load it again, and make your change to that.') : error} />}
          <Box sx={{ display: 'flex', gap: 1, flexWrap: 'wrap' }}>
            <Button type="submit" variant="contained" disabled={saving}>
              {read ? 'Save' : 'Add'}
            </Button>
            {old && <Button onClick={reload}>Load it again</Button>}
            <Box sx={{ flexGrow: 1 }} />
            {read && (
              <Confirm label="Remove" title={`Remove ${name}?`} yes="Remove" no="Keep it" danger act={remove}>
                Its credential and its account go with it and cannot be brought back. Calls that name it fail from then on. To stop it for a while, switch
                it off instead.
              </Confirm>
            )}
          </Box>
        </Stack>
      </SchemaForm>
    </Card>
  );
}
