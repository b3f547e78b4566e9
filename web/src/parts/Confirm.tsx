// Asks before something is done that cannot be undone, and tells what comes of it.
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogTitle from '@mui/material/DialogTitle';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Act } from './Act';
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
      <Act size="small" color={colour} variant="outlined" busy={disabled} onClick={ask} {...(about ? { 'aria-label': about } : {})}>
        {label}
      </Act>
      <Dialog open={open} onClose={() => !doing.isPending && setOpen(false)}>
        <DialogTitle>{title}</DialogTitle>
        <DialogContent>
          {children}
          {doing.error && <Trouble error={doing.error} />}
        </DialogContent>
        <DialogActions>
          <Act autoFocus busy={doing.isPending} onClick={() => setOpen(false)}>
            {no}
          </Act>
          <Act color={colour} variant="contained" busy={doing.isPending} onClick={() => doing.mutate()}>
            {yes}
          </Act>
        </DialogActions>
      </Dialog>
    </>
  );
}
