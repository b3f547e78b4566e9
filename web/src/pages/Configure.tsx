// Changes an integration: saves only over the version that was read, and asks where somebody else was faster.
import Alert from '@mui/material/Alert';
import Stack from '@mui/material/Stack';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useOutletContext, useParams } from 'react-router';
import { api, readIntegration, value, type Versioned } from '../api/client';
import { connector, integration, list, schemas } from '../api/queries';
import { useRegister } from '../api/register';
import { Editor } from '../form/Editor';
import { askedBy, type Published } from '../form/integrationSchema';
import type { Store } from '../form/useEdits';
import { Delete } from '../parts/Delete';
import { useNotice } from '../parts/Notices';
import { Trouble } from '../parts/Trouble';
import type { Place } from './Integration';

const OWNERS: Record<string, string> = {
  file: 'This integration is configured in the file of the server: change it there. The server takes changes over by itself.',
  demo: 'This is a sample of --demo and stays as it is. Add an integration of your own to change it.',
};

/** What is decided elsewhere than in the form: who saves it did not mean to decide it. */
const APART = ['enabled'];

export function Configure() {
  const { id = '' } = useParams();
  const { removed } = useOutletContext<Place>();
  const queries = useQueryClient();
  const notice = useNotice();
  const register = useRegister();
  // What the form began with stays, however often the page asks again.
  const read = useQuery({ ...integration(id), staleTime: Infinity, refetchOnWindowFocus: false });
  const published = useQuery(schemas);
  const name = String(read.data?.document.connector ?? '');
  const vendor = useQuery({ ...connector(name), retry: false });
  const error = read.error ?? published.error;
  // What was loaded stays where it cannot be loaded again: something may have been typed there.
  if (error && !(read.data && published.data)) {
    return <Trouble error={error} retry={() => void Promise.all([read.refetch(), published.refetch()])} />;
  }
  if (!read.data || !published.data || vendor.isLoading) {
    return null;
  }
  // Without its connector, which may be gone, the inputs are what was stored.
  const asked = askedBy(vendor.data);
  const fixed = OWNERS[read.data.source];
  const store: Store = {
    put: async (body, etag) => {
      const answer = await value(api.PUT('/api/v1/integrations/{id}', { params: { path: { id } }, headers: { 'If-Match': etag }, body }));
      notice({ text: ['Saved', ...(answer.warnings ?? [])].join('. ') });
      void queries.invalidateQueries({ queryKey: list.queryKey });
      return readIntegration(id);
    },
    reread: () => readIntegration(id),
    taken: (now) => queries.setQueryData(integration(id).queryKey, now as Versioned),
    anew: register,
    removed,
    apart: APART,
  };
  return (
    <Stack spacing={3}>
      {fixed && <Alert severity="info">{fixed}</Alert>}
      <Editor
        key={id}
        published={published.data as Published}
        type={String(read.data.document.type ?? 'rest')}
        stored={read.data}
        store={store}
        named
        asked={asked}
        disabled={fixed !== undefined}
        saveLabel="Save"
      />
      {!fixed && !removed && <Delete id={id} etag={read.data.etag} />}
    </Stack>
  );
}
