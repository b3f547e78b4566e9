// Adds an integration by its protocol.
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useQuery } from '@tanstack/react-query';
import { useParams } from 'react-router';
import { schemas } from '../api/queries';
import { useRegister } from '../api/register';
import { Editor } from '../form/Editor';
import type { Published } from '../form/integrationSchema';
import { Missing } from '../parts/Missing';
import { Trouble } from '../parts/Trouble';
import { PROTOCOLS } from '../protocols';

export function AddType() {
  const { type = '' } = useParams();
  const published = useQuery(schemas);
  const register = useRegister();
  if (published.data && !Object.hasOwn(published.data.types, type)) {
    return <Missing title="No such type" says={`This server has no integrations of type ${type}.`} to="/add" back="All that can be added" />;
  }
  return (
    <Stack spacing={2} sx={{ maxWidth: 760 }}>
      <Typography variant="h1">Add {PROTOCOLS[type]?.title ?? type}</Typography>
      {published.error && <Trouble error={published.error} retry={() => void published.refetch()} />}
      {published.data && (
        <Editor
          published={published.data as Published}
          type={type}
          stored={{ document: { type }, etag: '', secrets: '' }}
          store={{ put: register }}
          saveLabel="Add"
        />
      )}
    </Stack>
  );
}
