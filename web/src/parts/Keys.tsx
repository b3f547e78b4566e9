// The master keys that everything stored is sealed with, and what each of them seals.
import Box from '@mui/material/Box';
import Chip from '@mui/material/Chip';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useQuery } from '@tanstack/react-query';
import { tell } from '../api/ask';
import { isUnderWay, type Key, keys, rotation } from '../api/operate';
import { count } from '../words';
import { Confirm } from './Confirm';
import { useNotice } from './Notices';
import { Rotation } from './Rotation';
import { Trouble } from './Trouble';

export function Keys() {
  const notice = useNotice();
  // While a rotation runs, what each key seals changes.
  const turning = isUnderWay(useQuery(rotation).data);
  const known = useQuery({ ...keys, refetchInterval: turning ? 2_000 : false });
  const all = known.data ?? [];
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
      <Rotation all={all} />
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
