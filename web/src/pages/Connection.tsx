// One connection: how it is, the account it calls for, what it has of its own, and a way to remove it.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import Link from '@mui/material/Link';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link as To, useNavigate, useOutletContext, useParams } from 'react-router';
import { tell } from '../api/ask';
import { connection, connectionSchema, pathOf, readConnection, standing, type Tenant } from '../api/operate';
import { connector, integration, list, schemas } from '../api/queries';
import { ConnectionEditor } from '../form/ConnectionEditor';
import { owned } from '../form/connectionSchema';
import { askedBy, type Published } from '../form/integrationSchema';
import type { Data } from '../form/SchemaForm';
import type { Store, Stored } from '../form/useEdits';
import { Account } from '../parts/Account';
import { Confirm } from '../parts/Confirm';
import { HealthPart } from '../parts/HealthPart';
import { useNotice } from '../parts/Notices';
import { Steps } from '../parts/Steps';
import { Trouble } from '../parts/Trouble';
import { GONE } from '../parts/Unsaved';
import type { Place } from './Integration';

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
  const account = useAccount(id, name, read.data?.document.auth_type);
  // All at once: what comes late would push down what one already reads. Health can take long, and has its room.
  const ready = !read.isPending && !account.isPending;
  return (
    <Stack spacing={2}>
      <Up id={id} name={name} />
      <HealthPart key={`${id} ${name}`} path={`${pathOf(id, name)}/health`} queryKey={['health', id, name]}>
        {() => (
          <>
            <Button size="small" component={To} to={`../limits?connection=${encodeURIComponent(name)}`}>
              Limits
            </Button>
            <Button size="small" component={To} to={`../activity?connection=${encodeURIComponent(name)}`}>
              Activity
            </Button>
          </>
        )}
      </HealthPart>
      {ready && (
        <>
          {read.error && <Trouble error={read.error} retry={() => void read.refetch()} />}
          {account.state && <Account id={id} connection={name} account={account.state} vendor={account.vendor} />}
          <Steps id={id} connection={name} />
          {name === 'default' ? (
            <Typography variant="body2">
              This is the integration as it is configured. <Link component={To} to="../configure">Configure it</Link>, or add a connection for what is
              otherwise.
            </Typography>
          ) : (
            read.data && <Form key={`${id} ${name}`} id={id} read={read.data} />
          )}
        </>
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

/** The account, where the connection needs one. */
function useAccount(id: string, name: string, auth: unknown) {
  const items = useQuery(list);
  const item = items.data?.find((one) => one.integration_id === id);
  // A connection that has a way of its own to authenticate may need one though the integration does not.
  const needed = item?.account !== undefined || (name !== 'default' && auth === 'oauth2');
  // What needs no account is refused, and is no trouble.
  const known = useQuery({ ...standing(id, name), enabled: needed, retry: false });
  return { isPending: items.isPending || (needed && known.isPending), state: needed ? known.data?.state : undefined, vendor: item?.vendor };
}

function Form({ id, read }: { id: string; read?: Tenant }) {
  const { removed: lost } = useOutletContext<Place>();
  const shape = useQuery(connectionSchema);
  const published = useQuery(schemas);
  const own = useQuery(integration(id));
  const vendor = useQuery({ ...connector(String(own.data?.document.connector ?? '')), retry: false });
  const queries = useQueryClient();
  const navigate = useNavigate();
  const notice = useNotice();
  const wrong = shape.error ?? published.error ?? own.error;
  // What was loaded stays where it cannot be loaded again: something may have been typed there.
  if (wrong && !(shape.data && published.data && own.data)) {
    return <Trouble error={wrong} retry={() => void Promise.all([shape.refetch(), published.refetch(), own.refetch()])} />;
  }
  if (!shape.data || !published.data || !own.data || vendor.isLoading) {
    return null;
  }
  const sent = async (method: 'PUT' | 'POST', document: Data, headers: Record<string, string> = {}) => {
    const name = String(document.connection ?? '');
    const path = method === 'PUT' ? pathOf(id, name) : `${pathOf(id)}/connections`;
    const { warnings = [] } = await tell<{ warnings?: string[] }>(method, path, owned(document), headers);
    await queries.invalidateQueries({ queryKey: ['connections', id] });
    void queries.invalidateQueries({ queryKey: ['health', id, name] });
    notice({ text: [method === 'PUT' ? 'Saved' : `${name} is added`, ...warnings].join('. ') });
    return name;
  };
  const reread = (name: string) => readConnection(id, name);
  const add: Store = {
    lost,
    put: async (document) => {
      const name = await sent('POST', document);
      await navigate(`/integrations/${encodeURIComponent(id)}/connections/${encodeURIComponent(name)}`);
      return undefined;
    },
  };
  const change = (name: string): Store => ({
    lost,
    put: async (document, etag) => reread(await sent('PUT', document, { 'If-Match': etag })),
    reread: () => reread(name),
    taken: (now) => queries.setQueryData(connection(id, name).queryKey, now as Tenant),
    anew: async (document) => reread(await sent('POST', document)),
  });
  const name = String(read?.document.connection ?? '');
  const remove = async () => {
    await tell('DELETE', pathOf(id, name), undefined, read ? { 'If-Match': read.etag } : {});
    await queries.invalidateQueries({ queryKey: ['connections', id] });
    await navigate(`/integrations/${encodeURIComponent(id)}/connections`, { state: GONE });
    notice({ text: `${name} is removed` });
  };
  return (
    <Card sx={{ p: 2 }}>
      <ConnectionEditor
        schema={shape.data}
        published={published.data as Published}
        integration={own.data.document}
        asked={askedBy(vendor.data)}
        stored={read ?? BEGIN}
        store={read ? change(name) : add}
        saveLabel={read ? 'Save' : 'Add'}
      >
        <Box sx={{ flexGrow: 1 }} />
        {read && !lost && (
          <Confirm label="Remove" title={`Remove ${name}?`} yes="Remove" no="Keep it" danger act={remove}>
            Its credential and its account go with it and cannot be brought back. Calls that name it fail from then on. To stop it for a while, switch it
            off instead.
          </Confirm>
        )}
      </ConnectionEditor>
    </Card>
  );
}

/** What a new connection begins with. */
const BEGIN: Stored = { document: { enabled: true }, etag: '', secrets: '' };
