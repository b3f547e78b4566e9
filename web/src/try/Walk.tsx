// A list that is read over all its pages: records as they come, which one can stop.
import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Link from '@mui/material/Link';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import type { MouseEvent, ReactNode } from 'react';
import { Link as To, useOutletContext } from 'react-router';
import type { Place } from '../pages/Integration';
import { Removed } from '../parts/Removed';
import { Trouble } from '../parts/Trouble';
import { count } from '../words';
import type { Asked } from './copy/asked';
import { CopyAs } from './copy/CopyAs';
import type { Feed } from './feed';
import { parsed, pretty, written } from './json';
import { ReplyView } from './reply/ReplyView';
import { CODE } from './reply/style';
import { headersOf, pathOf, REMOVED } from './Sender';
import { lines, useStream } from './useStream';

interface Props {
  asked: Asked;
  type: string;
  children: (send: () => void, buttons: ReactNode) => ReactNode;
}

export function Walk({ asked, type, children }: Props) {
  const stream = useStream<string>(lines, 'application/x-ndjson');
  const { removed } = useOutletContext<Place>();
  const live = stream.state === 'live';
  const start = () => !live && stream.start({ path: pathOf(asked), body: asked.body, headers: headersOf(asked) });
  const halt = (event: MouseEvent) => {
    // As in Sender: this button becomes the one that sends.
    event.preventDefault();
    stream.stop();
  };
  const buttons = (
    <Box sx={{ display: 'flex', gap: 1, mt: 1 }}>
      {live ? (
        <Button key="go" type="button" variant="outlined" onClick={halt}>
          Stop
        </Button>
      ) : (
        <Button key="go" type="submit" variant="contained">
          Read all pages
        </Button>
      )}
      <CopyAs asked={asked} type={type} disabled={false} />
    </Box>
  );
  return (
    <Stack spacing={2}>
      {children(start, buttons)}
      {removed && <Removed text={asked.body}>{REMOVED}</Removed>}
      {stream.error && <Trouble error={stream.error} />}
      {stream.refused && <ReplyView reply={stream.refused} />}
      {stream.state !== 'none' && !stream.refused && (
        <Records feed={stream.feed} live={live} calls={callsOf(asked)} />
      )}
    </Stack>
  );
}

/** Where the calls of a walk are remembered: there is one a page. */
function callsOf({ id, connection }: Asked): string {
  const path = `/integrations/${encodeURIComponent(id)}/activity`;
  return connection ? `${path}?connection=${encodeURIComponent(connection)}` : path;
}

/** What the lines of a walk say: records, and how it ended. */
function Records({ feed, live, calls }: { feed: Feed<string>; live: boolean; calls: string }) {
  const said = feed.items.map(({ number, value }) => ({ number, value, line: parsed(value) ?? {} }));
  const records = said.filter(({ line }) => 'record' in line);
  const last = said.at(-1)?.line ?? {};
  const ended = 'end' in last || 'error' in last;
  const total = feed.came - (ended ? 1 : 0);
  return (
    <Stack component="section" aria-label="Records" spacing={1}>
      <Typography role="status" variant="body2">
        {count(total, 'record')}
        {live ? ' so far' : ended ? '' : ', stopped before the end'}
        {records.length < total && `, of which the latest ${records.length.toLocaleString('en')} are shown`}{' '}
        <Link component={To} to={calls}>
          Its calls
        </Link>
      </Typography>
      {'error' in last && <Alert severity="error">{written(last.error)}</Alert>}
      <Box component="pre" tabIndex={0} aria-label="The records" sx={CODE}>
        {records.map(({ value }) => pretty(value.slice('{"record":'.length, -1))).join('\n')}
      </Box>
    </Stack>
  );
}
