// A message that was taken from a queue, and what can be said of it.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Paper from '@mui/material/Paper';
import Typography from '@mui/material/Typography';
import { spelled } from '../exact';
import { Facts } from '../parts/Facts';
import { written } from './json';
import { CODE } from './reply/style';
import { type Settle, WAYS } from './useSettle';

export type MessageOf = Record<string, unknown> & { token?: string };

interface Props {
  message: MessageOf;
  settle: Settle;
  /** Only what can be said of it: the message stands elsewhere. */
  bare?: boolean;
}

export function Message({ message, settle, bare = false }: Props) {
  const { token, message: json, text, base64, headers, ...facts } = message;
  const said = token === undefined ? undefined : settle.done[token];
  const buttons = token !== undefined && (
    <Box sx={{ display: 'flex', gap: 1, flexWrap: 'wrap', alignItems: 'center' }}>
      {said && !said.error ? (
        <Typography variant="body2" role="status">
          {WAYS.find(([way]) => way === said.way)![2]}
        </Typography>
      ) : (
        WAYS.map(([way, title]) => (
          <Button key={way} size="small" onClick={() => settle.settle(token, way)}>
            {title}
          </Button>
        ))
      )}
      {said?.error && (
        <Typography variant="body2" color="error" role="alert">
          {said.error}
        </Typography>
      )}
    </Box>
  );
  if (bare) {
    return buttons;
  }
  return (
    <Paper role="group" aria-label={`Message ${String(message.message_id ?? '')}`} sx={{ p: 1.5, display: 'grid', gap: 1, minWidth: 0 }}>
      <Facts
        facts={Object.entries(facts).map(([key, value]) => [key.replaceAll('_', ' '), spelled(value)])}
      />
      {headers !== undefined && <Facts facts={Object.entries(headers as Record<string, unknown>).map(([key, value]) => [key, spelled(value)])} />}
      <Box component="pre" tabIndex={0} aria-label="Content" sx={CODE}>
        {json !== undefined ? written(json) : String(text ?? base64 ?? '')}
      </Box>
      {buttons}
    </Paper>
  );
}
