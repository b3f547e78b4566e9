// What to do where somebody else saved in the meantime: both versions, and a choice.
import Button from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogTitle from '@mui/material/DialogTitle';
import Table from '@mui/material/Table';
import TableBody from '@mui/material/TableBody';
import TableCell from '@mui/material/TableCell';
import TableContainer from '@mui/material/TableContainer';
import TableHead from '@mui/material/TableHead';
import TableRow from '@mui/material/TableRow';
import Typography from '@mui/material/Typography';
import { useState } from 'react';
import { type Change, changes, same } from '../changes';
import { spelled } from '../exact';
import { veiled } from '../secrets';
import { label } from '../words';
import { Trouble } from './Trouble';

interface Props {
  /** What both changed, such as `integration`. */
  what: string;
  base: object;
  mine: object;
  theirs: object;
  onBack: () => void;
  onTheirs: () => void;
  onMine: () => Promise<void>;
}

export function Conflict({ what, base, mine, theirs, onBack, onTheirs, onMine }: Props) {
  const [error, setError] = useState<Error>();
  const changed = changes(base, mine, theirs);
  const crossed = changed.some(({ both }) => both);
  const said = crossed
    ? 'Nothing was saved. You both changed the same setting: Keep mine saves yours, beside what only one of you changed; Take theirs drops all of yours.'
    : 'Nothing was saved. You changed different settings: Keep mine saves yours beside theirs; Take theirs drops yours.';
  const stored = (key: string) => (theirs as Record<string, unknown>)[key] ?? (base as Record<string, unknown>)[key];
  const show = (value: unknown) => (value === undefined ? '—' : spelled(value));
  return (
    <Dialog open onClose={onBack} maxWidth="md" aria-labelledby="conflict">
      <DialogTitle id="conflict">Somebody else changed this {what}</DialogTitle>
      <DialogContent>
        <Typography sx={{ mb: 2 }}>{said} Or go back to the form.</Typography>
        {/* Wider than a phone. */}
        <TableContainer tabIndex={0} role="region" aria-label="What both changed">
          <Table size="small">
            <TableHead>
              <TableRow>
                <TableCell>Setting</TableCell>
                <TableCell>Yours</TableCell>
                <TableCell>Theirs, stored now</TableCell>
                <TableCell>Keep mine saves</TableCell>
              </TableRow>
            </TableHead>
            <TableBody>
              {changed.map((change) => (
                <TableRow key={change.key}>
                  <TableCell>{label(change.key)}</TableCell>
                  <TableCell sx={{ wordBreak: 'break-word' }}>{show(veiled(change.mine, stored(change.key)))}</TableCell>
                  <TableCell sx={{ wordBreak: 'break-word' }}>{show(veiled(change.theirs, undefined))}</TableCell>
                  <TableCell sx={{ whiteSpace: 'nowrap' }}>{kept(change, (base as Record<string, unknown>)[change.key])}</TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
        </TableContainer>
        {error && <Trouble error={error} />}
      </DialogContent>
      <DialogActions>
        <Button onClick={onBack}>Back to the form</Button>
        <Button onClick={onTheirs}>Take theirs</Button>
        <Button variant="contained" color={crossed ? 'error' : 'primary'} onClick={() => onMine().catch(setError)}>
          Keep mine
        </Button>
      </DialogActions>
    </Dialog>
  );
}

/** Whose the setting is in what Keep mine saves. */
function kept({ mine, theirs, both }: Change, was: unknown): string {
  if (both) {
    return 'yours: both changed it';
  }
  if (same(mine, theirs)) {
    return 'the same';
  }
  // Within a setting that is an object, each can have changed something else.
  return same(was, mine) ? 'theirs' : same(was, theirs) ? 'yours' : 'both';
}
