// Asks before something is done that cannot be undone, and tells what comes of it.
import Button from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogTitle from '@mui/material/DialogTitle';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Trouble } from './Trouble';

interface Props {
  /** What the button says that asks. */
  label: string;
  title: string;
  /** What comes of it. */
  children: ReactNode;
  /** What the button says that does it. */
  yes: string;
  no?: string;
  danger?: boolean;
  disabled?: boolean;
  /** Says more than the label, where several buttons have the same one. */
  about?: string;
  act: () => Promise<unknown>;
}

export function Confirm({ label, title, children, yes, no = 'Leave it', danger = false, disabled = false, about, act }: Props) {
  const [open, setOpen] = useState(false);
  const doing = useMutation({ mutationFn: act, onSuccess: () => setOpen(false) });
  const ask = () => {
    doing.reset();
    setOpen(true);
  };
  const colour = danger ? 'error' : 'primary';
  return (
    <>
      <Button size="small" color={colour} variant="outlined" disabled={disabled} onClick={ask} {...(about ? { 'aria-label': about } : {})}>
        {label}
      </Button>
      <Dialog open={open} onClose={() => !doing.isPending && setOpen(false)}>
        <DialogTitle>{title}</DialogTitle>
        <DialogContent>
          {children}
          {doing.error && <Trouble error={doing.error} />}
        </DialogContent>
        <DialogActions>
          <Button autoFocus disabled={doing.isPending} onClick={() => setOpen(false)}>
            {no}
          </Button>
          <Button color={colour} variant="contained" disabled={doing.isPending} onClick={() => doing.mutate()}>
            {yes}
          </Button>
        </DialogActions>
      </Dialog>
    </>
  );
}
