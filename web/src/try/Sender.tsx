// Sends what a form says, or listens by it, and shows what comes back.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { type MouseEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { useOutletContext } from 'react-router';
import type { Place } from '../pages/Integration';
import { Removed } from '../parts/Removed';
import { Trouble } from '../parts/Trouble';
import type { Asked } from './copy/asked';
import { CopyAs } from './copy/CopyAs';
import type { Event } from '../api/sse';
import { Live } from './Live';
import { ReplyView } from './reply/ReplyView';
import { silent } from '../api/client';
import { type Reply, send, type Sent } from './send';
import { events, useStream } from './useStream';

interface Props {
  asked: Asked;
  /** The integration's type. */
  type: string;
  /** What keeps it from being sent, or nothing. */
  wrong: string;
  show?: (text: string) => ReactNode;
  /** What can be done with an event that is looked at. */
  showEvent?: (event: Event) => ReactNode;
  sendLabel?: string;
  /** The form, which is given what sends it and the buttons to show. */
  children: (send: () => void, buttons: ReactNode) => ReactNode;
}

/** The integration was. */
export const REMOVED = 'The integration was removed meanwhile. What you typed on this page stays until you leave it.';

interface Went {
  reply?: Reply;
  error?: Error;
  stopped?: boolean;
}

export function Sender({ asked, type, wrong, show, showEvent, sendLabel = 'Send', children }: Props) {
  // What nobody has typed yet is wanted, and not wrong.
  const { removed } = useOutletContext<Place>();
  const [begun] = useState(asked.body);
  const [went, setWent] = useState<Went>({});
  const [pending, setPending] = useState(false);
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);
  const stream = useStream<Event>(events, 'text/event-stream');
  const listens = asked.kind === 'stream';
  const busy = listens ? stream.state === 'live' : pending;

  const call = async (sent: Sent) => {
    const mine = new AbortController();
    abort.current = mine;
    setPending(true);
    setWent({});
    try {
      const reply = await send(sent, mine.signal);
      setWent({ reply });
    } catch {
      setWent(mine.signal.aborted ? { stopped: true } : { error: silent() });
    }
    setPending(false);
  };
  const go = () => {
    if (wrong || busy) {
      return;
    }
    const sent = { path: pathOf(asked), body: asked.body, headers: headersOf(asked) };
    if (listens) {
      stream.start(sent);
    } else {
      void call(sent);
    }
  };
  const halt = (event: MouseEvent) => {
    // The button becomes the one that sends before the browser does what a click does by itself.
    event.preventDefault();
    if (listens) {
      stream.stop();
    } else {
      abort.current?.abort();
    }
  };
  const buttons = (
    <Box sx={{ display: 'flex', gap: 1, mt: 1, flexWrap: 'wrap', alignItems: 'center' }}>
      {busy ? (
        // In the place of the other, so that the keyboard stays where it is.
        <Button key="go" type="button" variant="outlined" onClick={halt}>
          {listens ? 'Stop' : 'Cancel'}
        </Button>
      ) : (
        <Button key="go" type="submit" variant="contained" disabled={wrong !== ''}>
          {listens ? 'Listen' : sendLabel}
        </Button>
      )}
      <CopyAs asked={asked} type={type} disabled={wrong !== ''} />
      {wrong && (
        <Typography variant="body2" color={asked.body === begun ? 'textSecondary' : 'error'} sx={{ minWidth: 0 }}>
          {wrong}
        </Typography>
      )}
    </Box>
  );
  const error = listens ? stream.error : went.error;
  const reply = listens ? stream.refused : went.reply;
  return (
    <Stack spacing={2}>
      {children(go, buttons)}
      {removed && <Removed text={asked.body}>{REMOVED}</Removed>}
      {error && <Trouble error={error} />}
      <Stack component="section" aria-label="Reply" aria-live="polite" spacing={1}>
        {!listens && pending && (
          <Typography variant="body2" color="textSecondary">
            Waiting for the reply…
          </Typography>
        )}
        {!listens && went.stopped && <Typography variant="body2">Cancelled. What was sent already may have been done.</Typography>}
        {reply && <ReplyView reply={reply} {...(show ? { show } : {})} />}
      </Stack>
      {listens && stream.state !== 'none' && !stream.refused && <Live stream={stream} {...(showEvent ? { showEvent } : {})} />}
    </Stack>
  );
}

export function pathOf({ id, kind, action, query }: Asked): string {
  const of = `/api/v1/integrations/${encodeURIComponent(id)}`;
  return kind === 'action' ? `${of}/actions/${encodeURIComponent(action ?? '')}${query ?? ''}` : `${of}/${kind}`;
}

export function headersOf({ connection }: Asked): Record<string, string> {
  return connection ? { 'Trunkline-Connection': connection } : {};
}
