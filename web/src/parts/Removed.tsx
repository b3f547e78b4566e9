// Says that what a page is about was removed elsewhere, and gives what was typed to whoever wants it somewhere else.
import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import type { ReactNode } from 'react';
import { copied } from '../copied';
import { useNotice } from './Notices';

interface Props {
  /** What was typed. */
  text: string;
  /** What was removed, and what can be done. */
  children: ReactNode;
}

export function Removed({ text, children }: Props) {
  const notice = useNotice();
  const copy = () =>
    copied(text).then(
      () => notice({ text: 'Copied' }),
      () => notice({ text: 'The browser did not let the page copy' }),
    );
  return (
    <Alert
      severity="warning"
      role="alert"
      action={
        <Button color="inherit" size="small" sx={{ whiteSpace: 'nowrap' }} onClick={() => void copy()}>
          Copy it
        </Button>
      }
    >
      {children}
    </Alert>
  );
}
