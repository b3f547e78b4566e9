// The frame of a request that is written: sent by its button, by Enter in a field, or by Ctrl+Enter in an editor.
import Stack from '@mui/material/Stack';
import type { ReactNode } from 'react';

interface Props {
  send: () => void;
  buttons: ReactNode;
  children: ReactNode;
}

export function RequestForm({ send, buttons, children }: Props) {
  return (
    <Stack
      component="form"
      noValidate
      spacing={1}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {children}
      {buttons}
    </Stack>
  );
}
