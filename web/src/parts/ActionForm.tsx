// Does something by name, with a form made from the schema of its input.
import Link from '@mui/material/Link';
import Typography from '@mui/material/Typography';
import { useState } from 'react';
import type { Action } from '../api/queries';
import { type Data, SchemaForm } from '../form/SchemaForm';
import { Sender } from './Sender';

export function ActionForm({ path, action }: { path: string; action: Action }) {
  const [data, setData] = useState<Data>({});
  return (
    <>
      <Typography color="text.secondary" variant="body2">
        {action.description}{' '}
        {action.docs && (
          <Link href={action.docs} target="_blank" rel="noreferrer">
            Its documentation
          </Link>
        )}
      </Typography>
      <Sender path={path} body={JSON.stringify(data, null, 2)}>
        {(send, buttons) => (
          <SchemaForm schema={action.input} data={data} prefix="action" onChange={setData} onSubmit={send}>
            {buttons}
          </SchemaForm>
        )}
      </Sender>
    </>
  );
}
