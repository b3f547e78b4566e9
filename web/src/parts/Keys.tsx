// The master keys that everything stored is sealed with, and their rotation.
import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Chip from '@mui/material/Chip';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useMutation, useQuery } from '@tanstack/react-query';
import { tell } from '../api/ask';
import { type Key, keys } from '../api/operate';
import { count } from '../words';
import { Confirm } from './Confirm';
import { useNotice } from './Notices';
import { Trouble } from './Trouble';

interface Rotated {
  primary: string;
  older: string[];
  rewrapped: number;
  left: number;
}

export function Keys() {
  const notice = useNotice();
  // While a rotation runs, what each key seals says how far it is.
  const rotate = useMutation({ mutationFn: () => tell<Rotated>('POST', '/api/v1/keys/rotate') });
  const known = useQuery({ ...keys, refetchInterval: rotate.isPending ? 1_000 : false });
  const all = known.data ?? [];
  const sealed = all.reduce((sum, { envelopes }) => sum + envelopes, 0);
  const moved = all.find(({ primary }) => primary)?.envelopes ?? 0;
  const done = rotate.data;
  return (
    <Stack spacing={2}>
      <Typography variant="body2" color="textSecondary">
        Secrets and tokens are stored sealed. The primary key seals what is new; older ones open what they sealed.
      </Typography>
      {known.error && <Trouble error={known.error} retry={() => void known.refetch()} />}
      <Box component="ul" aria-label="Master keys" sx={{ m: 0, p: 0, listStyle: 'none' }}>
        {all.map((key) => (
          <Line
            key={key.id}
            one={key}
            remove={async () => {
              await tell('DELETE', `/api/v1/keys/${key.id}`);
              await known.refetch();
              notice({ text: 'The key is removed' });
            }}
          />
        ))}
      </Box>
      <Box role="status">
        {rotate.isPending && <Typography variant="body2">{`Moving what is stored to the new key: ${moved} of ${sealed}`}</Typography>}
        {done && (
          <Alert severity={done.left > 0 ? 'warning' : 'success'}>
            {count(done.rewrapped, 'entry', 'entries')} moved to the new key.{' '}
            {done.left > 0 && `${count(done.left, 'entry', 'entries')} could not be opened and stay as they are. `}
            Copy the key file to where you keep keys, apart from the backups. {done.older.length > 0 && 'Older keys are needed for backups from before.'}
          </Alert>
        )}
      </Box>
      <div>
        <Confirm
          label="Rotate the master key"
          title="Rotate the master key?"
          yes="Rotate"
          no="Not now"
          disabled={!known.data || rotate.isPending}
          act={async () => {
            await rotate.mutateAsync();
            await known.refetch();
          }}
        >
          A new key is made, and everything stored is sealed with it; calls go on meanwhile. The older keys stay until you remove them: backups made before
          cannot be read without them. Keep a copy of the new key, or nothing stored can be read once this machine is lost. A server that gets its key from
          the environment (<code>TRUNKLINE_KEY</code>) refuses, and says what to do there.
        </Confirm>
      </div>
    </Stack>
  );
}

function Line({ one, remove }: { one: Key; remove: () => Promise<void> }) {
  return (
    <Stack component="li" direction="row" useFlexGap sx={{ gap: 1, py: 1, flexWrap: 'wrap', alignItems: 'center', borderBottom: 1, borderColor: 'divider' }}>
      <Box sx={{ flexGrow: 1, minWidth: 200 }}>
        <Typography component="code" variant="body2" sx={{ fontFamily: 'ui-monospace, monospace', wordBreak: 'break-all' }}>
          {one.id}
        </Typography>
        <Typography variant="body2" color="textSecondary">
          seals {count(one.envelopes, 'entry', 'entries')}
          {!one.given && ', which the server was not given: what it seals cannot be read'}
        </Typography>
      </Box>
      {one.primary && <Chip size="small" color="primary" variant="outlined" label="primary" />}
      {!one.primary && one.given && (
        <Confirm
          label="Remove"
          about={`Remove the key ${one.id}`}
          title="Remove this key?"
          yes="Remove it"
          no="Keep it"
          danger
          disabled={one.envelopes > 0}
          act={remove}
        >
          Backups that were made while it was primary cannot be read any more, unless you keep a copy of the key elsewhere.
        </Confirm>
      )}
    </Stack>
  );
}
