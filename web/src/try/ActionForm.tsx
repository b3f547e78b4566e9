// Does something by name, with a form made from the schema of its input; a list is read to its end where one asks for it.
import FormControlLabel from '@mui/material/FormControlLabel';
import Link from '@mui/material/Link';
import Stack from '@mui/material/Stack';
import Switch from '@mui/material/Switch';
import Typography from '@mui/material/Typography';
import type { ReactNode } from 'react';
import type { Action } from '../api/queries';
import { type Data, SchemaForm } from '../form/SchemaForm';
import type { Asked } from './copy/asked';
import { useDraft } from './draft';
import { written } from './json';
import { Sender } from './Sender';
import { Walk } from './Walk';

interface Props {
  /** Of the integration, the connection and the server. */
  base: Omit<Asked, 'kind' | 'body'>;
  type: string;
  name: string;
  action: Action;
}

export function ActionForm({ base, type, name, action }: Props) {
  const [data, setData] = useDraft<Data>(`${base.id}.action.${name}`, {});
  const [all, setAll] = useDraft(`${base.id}.pages.${name}`, false);
  const walks = action.pages && all;
  const asked: Asked = {
    ...base,
    kind: 'action',
    action: name,
    body: written(data),
    ...(walks ? { query: '?pages=all' } : {}),
  };
  const form = (send: () => void, buttons: ReactNode) => (
    <SchemaForm schema={action.input} data={data} prefix="action" onChange={setData} onSubmit={send}>
      {action.pages && (
        <FormControlLabel
          control={<Switch size="small" checked={all} onChange={(_, checked) => setAll(checked)} />}
          label="Read all pages"
          sx={{ mt: 1 }}
        />
      )}
      {buttons}
    </SchemaForm>
  );
  return (
    <Stack spacing={1}>
      <Typography color="textSecondary" variant="body2">
        {action.description}{' '}
        {action.docs && (
          <Link href={action.docs} target="_blank" rel="noreferrer">
            Its documentation
          </Link>
        )}
      </Typography>
      {walks ? (
        <Walk asked={asked} type={type}>
          {form}
        </Walk>
      ) : (
        <Sender asked={asked} type={type} wrong="">
          {form}
        </Sender>
      )}
    </Stack>
  );
}
