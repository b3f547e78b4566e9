// Adds an integration with a vendor that is known: only what the vendor's connector asks for.
import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import Link from '@mui/material/Link';
import MenuItem from '@mui/material/MenuItem';
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import Typography from '@mui/material/Typography';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useParams } from 'react-router';
import { type Connector, connector } from '../api/queries';
import { useRegister } from '../api/register';
import { neededFirst } from '../form/needed';
import { objection } from '../form/objection';
import { type Data, SchemaForm } from '../form/SchemaForm';
import { Act } from '../parts/Act';
import { Redirect } from '../parts/Redirect';
import { TestFirst } from '../parts/TestFirst';
import { Trouble } from '../parts/Trouble';
import { Unsaved } from '../parts/Unsaved';

export function AddConnector() {
  const { name = '' } = useParams();
  const vendor = useQuery(connector(name));
  // What was loaded stays where it cannot be loaded again: something may have been typed there.
  if (vendor.error && !vendor.data) {
    return <Trouble error={vendor.error} retry={() => void vendor.refetch()} />;
  }
  return vendor.data ? <Form vendor={vendor.data} /> : null;
}

/** As the API has it, so that nobody has to look a rule up. */
const ID = {
  type: 'string',
  title: 'ID',
  description: 'The name of the integration in URLs and logs.',
  pattern: '^[A-Za-z0-9._~-]+$',
  maxLength: 128,
};

function Form({ vendor }: { vendor: Connector }) {
  const register = useRegister();
  const [way, setWay] = useState(vendor.auth[0]?.id ?? '');
  const [data, setData] = useState<Data>({ integration_id: vendor.name });
  const [edited, setEdited] = useState(false);
  const savingNow = useRef(false);
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<Error>();
  const chosen = vendor.auth.find(({ id }) => id === way);
  // What was typed for one way stays for when it is chosen again, and is no part of another one.
  const typed = useRef<Data>({});
  const choose = (next: string) => {
    typed.current = { ...typed.current, ...(data.inputs as Data | undefined) };
    const takes = Object.keys(vendor.auth.find(({ id }) => id === next)?.inputs.properties ?? {});
    setData({ ...data, inputs: Object.fromEntries(Object.entries(typed.current).filter(([key]) => takes.includes(key))) });
    setWay(next);
    setError(undefined);
  };
  const schema = {
    type: 'object',
    required: ['integration_id', 'inputs'],
    properties: { integration_id: ID, inputs: { ...neededFirst(chosen?.inputs ?? vendor.inputs), title: chosen?.title ?? 'Inputs' } },
  };
  const refused = objection(error, Object.keys(schema.properties));
  const change = (after: Data) => {
    setData(after);
    setEdited(true);
    setError(undefined);
  };
  const document = { ...data, connector: vendor.name, ...(vendor.auth.length > 1 ? { auth: way } : {}) };
  const save = async () => {
    setSaving(true);
    savingNow.current = true;
    setError(undefined);
    try {
      await register(document);
    } catch (refused) {
      setError(refused as Error);
    } finally {
      setSaving(false);
      savingNow.current = false;
    }
  };
  return (
    <Stack spacing={2} sx={{ maxWidth: 760 }}>
      <Typography variant="h1">Add {vendor.title}</Typography>
      <Typography color="textSecondary">
        {vendor.description}.{' '}
        {vendor.docs && (
          <Link href={vendor.docs} target="_blank" rel="noreferrer">
            Its documentation
          </Link>
        )}
      </Typography>
      {vendor.auth.length > 1 && (
        <TextField select label="Way to authenticate" value={way} onChange={(event) => choose(event.target.value)}>
          {vendor.auth.map(({ id, title }) => (
            <MenuItem key={id} value={id}>
              {title}
            </MenuItem>
          ))}
        </TextField>
      )}
      {chosen?.help && <Typography variant="body2">{chosen.help}</Typography>}
      <Card sx={{ p: 2 }}>
        <SchemaForm key={way} schema={schema} data={data} prefix="connector" refused={refused} onChange={change} onSubmit={() => void save()}>
          <Stack spacing={2} sx={{ mt: 2 }}>
            {chosen?.auth_type === 'oauth2' && 'client_secret' in (chosen.inputs.properties as object) && <Redirect id={String(data.integration_id ?? '')} />}
            <Unsaved edited={edited} saving={savingNow} />
            <TestFirst document={document} />
            {error && <Trouble error={error} />}
            <Box>
              <Act type="submit" variant="contained" busy={saving}>
                Add
              </Act>
            </Box>
          </Stack>
        </SchemaForm>
      </Card>
    </Stack>
  );
}
