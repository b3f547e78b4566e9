// What a test came to, step by step, in the words of the service where it failed.
import CheckIcon from '@mui/icons-material/Check';
import CloseIcon from '@mui/icons-material/Close';
import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import type { Schemas } from '../api/client';
import { stringify } from '../exact';
import { label, span } from '../words';

type Outcome = Schemas['Tested'];

/** The names of steps that are no words. */
const NAMES: Record<string, string> = { dns: 'Name of the host (DNS)', tcp: 'Connection', tls: 'Encryption (TLS)' };

export function Tested({ tested }: { tested: Outcome }) {
  const well = tested.status === 'success';
  const said = tested.problem?.upstream?.body;
  const facts = Object.entries(tested.service ?? {}).map(([name, value]) => `${label(name)} ${value}`);
  return (
    <Stack spacing={1}>
      <Stack component="ol" spacing={0.5} sx={{ m: 0, p: 0, listStyle: 'none' }}>
        {tested.steps?.map(({ step, ok, ms, detail }) => (
          <Stack key={step} component="li" direction="row" spacing={1} sx={{ alignItems: 'flex-start' }}>
            {ok ? <CheckIcon color="success" fontSize="small" /> : <CloseIcon color="error" fontSize="small" />}
            <Typography variant="body2" sx={{ wordBreak: 'break-word' }}>
              {NAMES[step] ?? label(step)}: {ok ? 'done' : 'failed'}
              <Typography component="span" variant="body2" color="textSecondary">
                {ok && detail && ` · ${detail}`}
                {ms !== undefined && ` · ${span(ms)}`}
              </Typography>
            </Typography>
          </Stack>
        ))}
      </Stack>
      <Alert severity={well ? 'success' : 'error'} icon={false}>
        {well ? (tested.warning ? 'Nothing is wrong so far.' : 'The service answered.') : tested.error}
        {tested.warning && ` ${tested.warning}`}
        {facts.length > 0 && ` ${facts.join(', ')}.`}
        {said !== undefined && (
          <Box component="pre" sx={{ m: 0, mt: 1, whiteSpace: 'pre-wrap', wordBreak: 'break-word', maxHeight: 200, overflow: 'auto' }} tabIndex={0} aria-label="What the service said">
            {typeof said === 'string' ? said : stringify(said, 2)}
          </Box>
        )}
      </Alert>
    </Stack>
  );
}
