// A new master key for everything stored: begun here, watched by whoever looks, and stopped where somebody wants that.
import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import LinearProgress from '@mui/material/LinearProgress';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { tell } from '../api/ask';
import { isUnderWay, type Key, keys, rotation, type RotationState } from '../api/operate';
import type { Schemas } from '../api/client';
import { count } from '../words';
import { Confirm } from './Confirm';
import { Trouble } from './Trouble';

/** Milliseconds after which one that is under way is looked at again. */
const AGAIN = 500;

const entries = (number: number) => count(number, 'entry', 'entries');

export function Rotation({ all }: { all: Key[] }) {
  const queries = useQueryClient();
  const rotate = useMutation({
    mutationFn: () => tell<Schemas['Rotated']>('POST', '/api/v1/keys/rotate'),
    onSuccess: ({ stopped }) => queries.setQueryData(rotation.queryKey, { state: stopped ? 'unfinished' : 'done' }),
  });
  const stop = useMutation({
    mutationFn: () => tell<RotationState>('DELETE', '/api/v1/keys/rotation'),
    onSuccess: (state) => queries.setQueryData(rotation.queryKey, state),
  });
  // Also one that somebody else began, or this page before it was loaded again.
  const known = useQuery({ ...rotation, refetchInterval: ({ state }) => (rotate.isPending || isUnderWay(state.data) ? AGAIN : 10 * AGAIN) });
  const underWay = rotate.isPending || isUnderWay(known.data);
  const [ended, setEnded] = useState(false);
  const [before, setBefore] = useState(underWay);
  if (before !== underWay) {
    setBefore(underWay);
    setEnded(!underWay);
  }
  useEffect(() => {
    if (!underWay) {
      void queries.invalidateQueries({ queryKey: keys.queryKey });
    }
  }, [underWay, queries]);
  const unfinished = !underWay && known.data?.state === 'unfinished';
  return (
    <Stack spacing={2}>
      {underWay && <Progress state={known.data} stop={() => stop.mutate()} />}
      {stop.error && underWay && <Trouble error={stop.error} />}
      {rotate.error && !underWay && <Trouble error={rotate.error} />}
      <Box role="status" sx={{ '&&:empty': { mt: 0 } }}>
        {unfinished && <Unfinished left={all.reduce((sum, { primary, envelopes }) => sum + (primary ? 0 : envelopes), 0)} />}
        {!underWay && known.data?.state === 'done' && ended && !rotate.error && <Ended done={rotate.data} older={all.length > 1} />}
      </Box>
      <div>
        {unfinished ? (
          <Button size="small" variant="outlined" onClick={() => rotate.mutate()}>
            Go on with the rotation
          </Button>
        ) : (
          <Confirm
            label="Rotate the master key"
            title="Rotate the master key?"
            yes="Rotate"
            no="Not now"
            disabled={all.length === 0 || underWay}
            // How far it is, and what comes of it, is said in the page.
            act={async () => rotate.mutate()}
          >
            A new key is made, and everything stored is sealed with it; calls go on meanwhile, and it can be stopped. The older keys stay until you remove
            them: backups made before cannot be read without them. Keep a copy of the new key, or nothing stored can be read once this machine is lost. A
            server that gets its key from the environment (<code>TRUNKLINE_KEY</code>) refuses, and says what to do there.
          </Confirm>
        )}
      </div>
    </Stack>
  );
}

/** How far it is, and a way to stop it. */
function Progress({ state, stop }: { state: RotationState | undefined; stop: () => void }) {
  const { moved, of } = state ?? {};
  const stopping = state?.state === 'stopping';
  const far = moved === undefined || of === undefined ? undefined : `${moved.toLocaleString('en')} of ${entries(of)} sealed anew`;
  return (
    <Box>
      <Box sx={{ display: 'flex', flexWrap: 'wrap', columnGap: 2, alignItems: 'center', justifyContent: 'space-between' }}>
        <Typography variant="body2">{far ?? 'The rotation begins …'}</Typography>
        <Button size="small" color="error" disabled={stopping || far === undefined} onClick={stop}>
          {stopping ? 'Stopping …' : 'Stop the rotation'}
        </Button>
      </Box>
      <LinearProgress
        aria-label="Rotation of the master key"
        {...(far === undefined || of === 0 ? {} : { variant: 'determinate', value: Math.min(100, (moved! / of!) * 100), 'aria-valuetext': far })}
        sx={{ my: 0.5, height: 6, borderRadius: 1 }}
      />
      <Typography variant="body2" color="textSecondary">
        Calls go on meanwhile, and so does this when the page is closed. Where it is stopped, both keys stay valid.
      </Typography>
    </Box>
  );
}

function Unfinished({ left }: { left: number }) {
  return (
    <Alert severity="warning">
      The rotation did not come to its end: {entries(left)} {left === 1 ? 'is' : 'are'} still sealed with an older key. Nothing is lost, and calls go on: each key
      opens what it has sealed, so all of them are needed. Go on when it suits you; the next start of the server does so too.
    </Alert>
  );
}

/** `done` where it was begun by this page. */
function Ended({ done, older }: { done: Schemas['Rotated'] | undefined; older: boolean }) {
  const left = done?.left ?? 0;
  return (
    <Alert severity={left > 0 ? 'warning' : 'success'}>
      {done ? `${entries(done.rewrapped)} moved to the new key. ` : 'Everything is sealed with the new key. '}
      {left > 0 && `${entries(left)} could not be opened and stay as they are. `}
      Copy the key file to where you keep keys, apart from the backups. {older && 'Older keys are needed for backups from before.'}
    </Alert>
  );
}
