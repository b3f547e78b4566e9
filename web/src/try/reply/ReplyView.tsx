// What came back: how it went, what it is, and where the call is remembered.
import Box from '@mui/material/Box';
import Chip from '@mui/material/Chip';
import Link from '@mui/material/Link';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import type { ReactNode } from 'react';
import { Link as To } from 'react-router';
import { count, size } from '../../words';
import type { Reply } from '../send';
import { Body } from './Body';
import { ProblemView } from './ProblemView';
import { read } from './read';
import { CODE } from './style';

interface Props {
  reply: Reply;
  /** Shows what the reply says in a better way than as text, where there is one. */
  show?: (text: string) => ReactNode;
}

export function ReplyView({ reply, show }: Props) {
  const { media, text, problem, requestId, attempts, cache } = read(reply);
  const shown = problem || text === undefined ? undefined : show?.(text);
  return (
    <Stack spacing={1.5}>
      <Box sx={{ display: 'flex', gap: 1.5, alignItems: 'center', flexWrap: 'wrap' }}>
        <Chip size="small" color={reply.ok ? 'success' : 'error'} label={reply.status} />
        <Typography variant="body2">{reply.millis.toFixed(0)} ms</Typography>
        {attempts > 1 && <Typography variant="body2">{count(attempts, 'attempt')}</Typography>}
        {cache && <Typography variant="body2">{cache}</Typography>}
        <Typography variant="body2" color="textSecondary">
          {size(reply.bytes.length)}
        </Typography>
        {requestId && (
          <Link component={To} to={`/activity/${requestId}`} variant="body2">
            Its record
          </Link>
        )}
      </Box>
      {problem ? <ProblemView problem={problem} /> : null}
      {shown}
      {shown || problem ? (
        <details>
          <summary>As it came</summary>
          <Body reply={reply} media={media} text={text} />
        </details>
      ) : (
        <Body reply={reply} media={media} text={text} />
      )}
      <details>
        <summary>{count([...reply.headers].length, 'header')}</summary>
        <Box component="pre" tabIndex={0} aria-label="Headers" sx={CODE}>
          {[...reply.headers].map(([name, value]) => `${name}: ${value}`).join('\n')}
        </Box>
      </details>
    </Stack>
  );
}
