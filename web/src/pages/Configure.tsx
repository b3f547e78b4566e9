// Changes an integration: saves only over the version that was read, and asks where somebody else was faster.
import Alert from '@mui/material/Alert';
import Stack from '@mui/material/Stack';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useParams } from 'react-router';
import { api, Problem, readIntegration, value, type Versioned } from '../api/client';
import { integration, list, schemas } from '../api/queries';
import { Editor } from '../form/Editor';
import type { Data } from '../form/SchemaForm';
import type { Published } from '../form/integrationSchema';
import { Conflict } from '../parts/Conflict';
import { Delete } from '../parts/Delete';
import { useNotice } from '../parts/Notices';
import { Trouble } from '../parts/Trouble';

const OWNERS: Record<string, string> = {
  file: 'This integration is configured in the file of the server: change it there. The server takes changes over by itself.',
  demo: 'This is a sample of --demo and stays as it is. Add an integration of your own to change it.',
};

export function Configure() {
  const { id = '' } = useParams();
  // What the form began with stays, however often the page asks again.
  const read = useQuery({ ...integration(id), staleTime: Infinity, refetchOnWindowFocus: false });
  const published = useQuery(schemas);
  const error = read.error ?? published.error;
  if (error) {
    return <Trouble error={error} retry={() => void Promise.all([read.refetch(), published.refetch()])} />;
  }
  if (!read.data || !published.data) {
    return null;
  }
  return <Form key={`${id} ${read.data.etag}`} id={id} read={read.data} published={published.data as Published} />;
}

function Form({ id, read, published }: { id: string; read: Versioned; published: Published }) {
  const queries = useQueryClient();
  const notice = useNotice();
  const [conflict, setConflict] = useState<{ mine: Data; theirs: Versioned }>();
  const fixed = OWNERS[read.source];

  const put = async (document: Data, etag: string) => {
    const answer = await value(
      api.PUT('/api/v1/integrations/{id}', {
        params: { path: { id } },
        headers: { 'If-Match': etag },
        body: document,
      }),
    );
    queries.setQueryData(integration(id).queryKey, await readIntegration(id));
    void queries.invalidateQueries({ queryKey: list.queryKey });
    notice({ text: ['Saved', ...(answer.warnings ?? [])].join('. ') });
  };
  const save = async (document: Data) => {
    try {
      await put(document, read.etag);
    } catch (error) {
      if (error instanceof Problem && error.status === 412) {
        const theirs = await readIntegration(id);
        // What was refused for another reason is told as it is.
        if (theirs.etag !== read.etag) {
          setConflict({ mine: document, theirs });
          return;
        }
      }
      throw error;
    }
  };
  return (
    <Stack spacing={3}>
      {fixed && <Alert severity="info">{fixed}</Alert>}
      <Editor
        published={published}
        type={String(read.document.type ?? 'rest')}
        document={read.document}
        named
        disabled={fixed !== undefined}
        saveLabel="Save"
        save={save}
      />
      {!fixed && <Delete id={id} etag={read.etag} />}
      {conflict && (
        <Conflict
          base={read.document}
          mine={conflict.mine}
          theirs={conflict.theirs.document}
          onBack={() => setConflict(undefined)}
          onTheirs={() => queries.setQueryData(integration(id).queryKey, conflict.theirs)}
          onMine={() => put(conflict.mine, conflict.theirs.etag)}
        />
      )}
    </Stack>
  );
}
