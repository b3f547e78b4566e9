// What to do where somebody else saved in the meantime: both versions, and a choice.
import Button from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogTitle from '@mui/material/DialogTitle';
import Table from '@mui/material/Table';
import TableBody from '@mui/material/TableBody';
import TableCell from '@mui/material/TableCell';
import TableHead from '@mui/material/TableHead';
import TableRow from '@mui/material/TableRow';
import Typography from '@mui/material/Typography';
import { useState } from 'react';
import { changes } from '../changes';
import { label } from '../words';
import { Trouble } from './Trouble';

interface Props {
  base: object;
  mine: object;
  theirs: object;
  onBack: () => void;
  onTheirs: () => void;
  onMine: () => Promise<void>;
}

export function Conflict({ base, mine, theirs, onBack, onTheirs, onMine }: Props) {
  const [error, setError] = useState<Error>();
  const show = (value: unknown) => (value === undefined ? '—' : typeof value === 'string' ? value : JSON.stringify(value));
  return (
    <Dialog open onClose={onBack} maxWidth="md" aria-labelledby="conflict">
      <DialogTitle id="conflict">Somebody else changed this integration</DialogTitle>
      <DialogContent>
        <Typography sx={{ mb: 2 }}>Nothing was saved. Choose which version is to hold, or go back to the form.</Typography>
        <Table size="small">
          <TableHead>
            <TableRow>
              <TableCell>Setting</TableCell>
              <TableCell>Yours</TableCell>
              <TableCell>Theirs, stored now</TableCell>
            </TableRow>
          </TableHead>
          <TableBody>
            {changes(base, mine, theirs).map((change) => (
              <TableRow key={change.key}>
                <TableCell>{label(change.key)}</TableCell>
                <TableCell sx={{ wordBreak: 'break-word' }}>{show(change.mine)}</TableCell>
                <TableCell sx={{ wordBreak: 'break-word' }}>{show(change.theirs)}</TableCell>
              </TableRow>
            ))}
          </TableBody>
        </Table>
        {error && <Trouble error={error} />}
      </DialogContent>
      <DialogActions>
        <Button onClick={onBack}>Back to the form</Button>
        <Button onClick={onTheirs}>Take theirs</Button>
        <Button variant="contained" color="error" onClick={() => onMine().catch(setError)}>
          Overwrite with mine
        </Button>
      </DialogActions>
    </Dialog>
  );
}
