// Asks before a page is left on which something was typed that is not saved.
import Button from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogTitle from '@mui/material/DialogTitle';
import { type RefObject, useEffect } from 'react';
import { useBlocker } from 'react-router';

interface Props {
  edited: boolean;
  /** Whether it is being saved just now: what saving leads to is no leaving. */
  saving: RefObject<boolean>;
}

/** The state of a navigation that leaves nothing behind, such as after removing what was edited. */
export const GONE = { gone: true };

export function Unsaved({ edited, saving }: Props) {
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) =>
      edited &&
      !saving.current &&
      nextLocation.pathname !== currentLocation.pathname &&
      (nextLocation.state as typeof GONE | null)?.gone !== true,
  );
  useEffect(() => {
    // Closing the tab: browsers ask in their own words.
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    if (edited) {
      window.addEventListener('beforeunload', ask);
      return () => window.removeEventListener('beforeunload', ask);
    }
    return undefined;
  }, [edited]);
  return (
    <Dialog open={blocker.state === 'blocked'} onClose={() => blocker.reset?.()} aria-labelledby="unsaved">
      <DialogTitle id="unsaved">Leave without saving?</DialogTitle>
      <DialogContent>What you changed on this page is not saved and would be lost.</DialogContent>
      <DialogActions>
        <Button autoFocus onClick={() => blocker.reset?.()}>
          Stay
        </Button>
        <Button color="error" onClick={() => blocker.proceed?.()}>
          Leave
        </Button>
      </DialogActions>
    </Dialog>
  );
}
