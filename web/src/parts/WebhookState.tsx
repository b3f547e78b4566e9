// How far a webhook is on its way, in a word and a colour.
import Chip from '@mui/material/Chip';
import { spaced } from '../words';

const COLOURS: Record<string, 'success' | 'warning' | 'error' | 'default'> = { forwarded: 'success', pending: 'warning', put_aside: 'error', kept: 'default' };

export function WebhookState({ state }: { state: string }) {
  return <Chip size="small" color={COLOURS[state] ?? 'default'} variant="outlined" label={spaced(state)} />;
}
