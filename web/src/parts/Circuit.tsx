// The circuit breaker of an integration or a connection: how it stands, and what an operator can do by hand.
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useMutation } from '@tanstack/react-query';
import { tell } from '../api/ask';
import type { Schemas } from '../api/client';
import { pathOf } from '../api/operate';
import { span, spaced } from '../words';
import { Act } from './Act';
import { Confirm } from './Confirm';
import { Facts } from './Facts';
import { useNotice } from './Notices';
import { Trouble } from './Trouble';

interface Props {
  id: string;
  connection: string;
  breaker: NonNullable<Schemas['State']['breaker']>;
  /** What is done changes what is shown. */
  done: () => Promise<unknown>;
}

/** Of what is open, and was long enough. */
const OVER = 'It was open for long enough: the next call is let through to see whether the service is back.';

const SAYS: Record<string, string> = {
  closed: 'Calls go through.',
  open: 'Calls fail at once, so that a service that is down is left alone.',
  half_open: 'A few calls go through to see whether the service is back.',
  forced_open: 'Somebody opened it: calls fail at once until somebody closes it.',
};

export function Circuit({ id, connection, breaker, done }: Props) {
  const notice = useNotice();
  const turn = async (way: 'reset' | 'open') => {
    await tell('POST', `${pathOf(id)}/breaker/${way}`, undefined, { 'Trunkline-Connection': connection });
    await done();
    notice({ text: way === 'reset' ? 'The circuit is closed: calls go through' : 'The circuit is open: calls fail until somebody closes it' });
  };
  const reset = useMutation({ mutationFn: () => turn('reset') });
  const open = breaker.state === 'open' || breaker.state === 'half_open';
  const over = breaker.state === 'open' && (breaker.probe_in_seconds ?? 0) <= 0;
  const seconds = (value: number | null | undefined) => (typeof value === 'number' ? span(value * 1000) : undefined);
  return (
    <Stack spacing={1.5} sx={{ alignItems: 'flex-start' }}>
      <Typography variant="body2">{over ? OVER : SAYS[breaker.state]}</Typography>
      <Facts
        facts={[
          ['Circuit', spaced(breaker.state)],
          ['For', seconds(breaker.for_seconds)],
          ['Why', breaker.reason],
          ['Tried again', over ? 'with the next call' : undefined],
          ['Tried again in', over ? undefined : seconds(breaker.probe_in_seconds)],
          ['Failures in a row', breaker.consecutive_failures],
        ]}
      />
      {reset.error && <Trouble error={reset.error} />}
      <Stack direction="row" spacing={1}>
        <Act size="small" variant="outlined" busy={reset.isPending || breaker.state === 'closed'} onClick={() => reset.mutate()}>
          Close it
        </Act>
        <Confirm
          label={open ? 'Keep it open' : 'Open it'}
          title={open ? 'Keep the circuit open?' : 'Open the circuit?'}
          yes={open ? 'Keep it open' : 'Open it'}
          no={open ? 'Let it try again' : 'Leave it closed'}
          danger
          disabled={breaker.state === 'forced_open'}
          act={() => turn('open')}
        >
          Every call {connection === 'default' ? `of ${id}` : `of ${id} through ${connection}`} fails at once from then on, without the service being
          asked, until somebody closes the circuit here. What is under way comes to its end.
        </Confirm>
      </Stack>
    </Stack>
  );
}
