// The API tokens of programs: which there are, a new one, and one less.
import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useQuery } from '@tanstack/react-query';
import { tell } from '../api/ask';
import { type ApiToken, tokens } from '../api/operate';
import { ago, moment } from '../words';
import { Confirm } from './Confirm';
import { NewToken } from './NewToken';
import { useNotice } from './Notices';
import { Trouble } from './Trouble';

export function Tokens() {
  const known = useQuery(tokens);
  const notice = useNotice();
  const all = known.data?.tokens ?? [];
  return (
    <Stack spacing={2}>
      <Typography variant="body2" color="textSecondary">
        Each program gets its own, so that one can be revoked without the others. They may do whatever the API can do. The one that the server was started
        with is not among them.
      </Typography>
      {known.error && <Trouble error={known.error} retry={() => void known.refetch()} />}
      {known.data?.required === false && (
        <Alert severity="info">
          This server asks for no token, since it was started without <code>TRUNKLINE_API_TOKEN</code>. Those that are made here are asked for once it has
          one.
        </Alert>
      )}
      {known.data && all.length === 0 && <Typography variant="body2">There is none yet.</Typography>}
      {all.length > 0 && (
        <Box component="ul" aria-label="API tokens" sx={{ m: 0, p: 0, listStyle: 'none' }}>
          {all.map((one) => (
            <Line
              key={one.id}
              one={one}
              now={known.dataUpdatedAt}
              revoke={async () => {
                await tell('DELETE', `/api/v1/tokens/${encodeURIComponent(one.id)}`);
                await known.refetch();
                notice({ text: `${nameOf(one)} is revoked` });
              }}
            />
          ))}
        </Box>
      )}
      <div>
        <NewToken made={() => void known.refetch()} />
      </div>
    </Stack>
  );
}

/** A token that cannot be read has no name. */
const nameOf = (one: ApiToken) => one.name || one.id;

function Line({ one, now, revoke }: { one: ApiToken; now: number; revoke: () => Promise<void> }) {
  const name = nameOf(one);
  return (
    <Stack component="li" direction="row" useFlexGap sx={{ gap: 2, py: 1, flexWrap: 'wrap', alignItems: 'center', borderBottom: 1, borderColor: 'divider' }}>
      <Box sx={{ flexGrow: 1, flexBasis: 200 }}>
        <Typography sx={{ overflowWrap: 'anywhere' }}>{name}</Typography>
        <Typography variant="body2" color="textSecondary">
          {one.error ? `cannot be read, and lets nobody in: ${one.error}` : history(one, now)}
        </Typography>
        {one.prefix && (
          <Typography component="code" variant="body2" sx={{ fontFamily: 'ui-monospace, monospace' }}>
            {one.prefix}…
          </Typography>
        )}
      </Box>
      <Confirm label="Revoke" about={`Revoke ${name}`} title={`Revoke ${name}?`} yes="Revoke" no="Keep it" danger act={revoke}>
        Whatever shows this token is refused from then on. It cannot be brought back.
      </Confirm>
    </Stack>
  );
}

/** When it was made, when it was used, and for how long it holds. */
function history({ created_at_ms, expires_at_ms, last_used_at_ms }: ApiToken, now: number): string {
  const said = [`made ${ago(created_at_ms, now)}`];
  // The server notes it in memory only.
  said.push(last_used_at_ms ? `last used ${ago(last_used_at_ms, now)}` : 'not used since the server was started');
  if (expires_at_ms) {
    said.push(expires_at_ms <= now ? 'expired' : `holds until ${moment(expires_at_ms)}`);
  }
  return said.join(', ');
}
