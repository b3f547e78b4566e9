// Changes an integration: saves only over the version that was read, and asks where somebody else was faster.
import Alert from '@mui/material/Alert';
import Stack from '@mui/material/Stack';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useParams } from 'react-router';
import { api, Problem, readIntegration, value, type Versioned } from '../api/client';
import { connector, integration, list, schemas } from '../api/queries';
import { changes, merged } from '../changes';
import { type Begun, Editor } from '../form/Editor';
import type { Data } from '../form/SchemaForm';
import type { Asked, Published } from '../form/integrationSchema';
import { Conflict } from '../parts/Conflict';
import { Delete } from '../parts/Delete';
import { useNotice } from '../parts/Notices';
import { marked } from '../secrets';
import { Trouble } from '../parts/Trouble';

const OWNERS: Record<string, string> = {
  file: 'This integration is configured in the file of the server: change it there. The server takes changes over by itself.',
  demo: 'This is a sample of --demo and stays as it is. Add an integration of your own to change it.',
};

/** What is decided elsewhere than in the form: who saves it did not mean to decide it. */
const APART = new Set(['enabled']);

export function Configure() {
  const { id = '' } = useParams();
  // What was saved or taken begins another form; what comes in between leaves what was typed.
  const [round, setRound] = useState(0);
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
  const asked = vendor.data && { inputs: vendor.data.inputs, ways: vendor.data.auth };
  return (
    <Form key={`${id} ${round}`} id={id} read={read.data} published={published.data as Published} asked={asked} onDone={() => setRound(round + 1)} />
  );
}

interface Props {
  id: string;
  read: Versioned;
  published: Published;
  asked: Asked | undefined;
  onDone: () => void;
}

function Form({ id, read, published, asked, onDone }: Props) {
  const queries = useQueryClient();
  const notice = useNotice();
  const [conflict, setConflict] = useState<{ begun: Begun; mine: Data; theirs: Versioned }>();
  const fixed = OWNERS[read.source];

  const take = (version: Versioned) => {
    queries.setQueryData(integration(id).queryKey, version);
    onDone();
  };
  const put = async (document: Data, etag: string) => {
    const answer = await value(
      api.PUT('/api/v1/integrations/{id}', {
        params: { path: { id } },
        headers: { 'If-Match': etag },
        body: document,
      }),
    );
    take(await readIntegration(id));
    void queries.invalidateQueries({ queryKey: list.queryKey });
    notice({ text: ['Saved', ...(answer.warnings ?? [])].join('. ') });
  };
  const save = async (mine: Data, begun: Begun) => {
    const { document: base, version, secrets } = begun;
    try {
      await put(mine, version);
    } catch (error) {
      const theirs = error instanceof Problem && error.status === 412 ? await readIntegration(id) : undefined;
      // What was refused for another reason is told as it is.
      if (!theirs || theirs.etag === version) {
        throw error;
      }
      const was = marked(base, secrets);
      if (changes(was, was, marked(theirs.document, theirs.secrets)).every(({ key }) => APART.has(key))) {
        await put(merged(base, mine, theirs.document) as Data, theirs.etag);
      } else {
        setConflict({ begun, mine, theirs });
      }
    }
  };
  return (
    <Stack spacing={3}>
      {fixed && <Alert severity="info">{fixed}</Alert>}
      <Editor
        published={published}
        type={String(read.document.type ?? 'rest')}
        document={read.document}
        version={read.etag}
        secrets={read.secrets}
        named
        asked={asked}
        disabled={fixed !== undefined}
        saveLabel="Save"
        save={save}
      />
      {!fixed && <Delete id={id} etag={read.etag} />}
      {conflict && (
        <Conflict
          base={marked(conflict.begun.document, conflict.begun.secrets)}
          mine={marked(conflict.mine, conflict.begun.secrets)}
          theirs={marked(conflict.theirs.document, conflict.theirs.secrets)}
          onBack={() => setConflict(undefined)}
          onTheirs={() => take(conflict.theirs)}
          onMine={() => put(merged(conflict.begun.document, conflict.mine, conflict.theirs.document) as Data, conflict.theirs.etag)}
        />
      )}
    </Stack>
  );
}
