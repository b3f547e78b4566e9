// Short messages at the foot of the page, with a way to undo what they tell of.
import Button from '@mui/material/Button';
import Snackbar from '@mui/material/Snackbar';
import { createContext, type ReactNode, useContext, useState } from 'react';

interface Notice {
  text: string;
  undo?: () => void;
}

const Context = createContext<(notice: Notice) => void>(() => {});

/** Tells the person something that is over. */
export function useNotice(): (notice: Notice) => void {
  return useContext(Context);
}

export function Notices({ children }: { children: ReactNode }) {
  const [notice, setNotice] = useState<Notice>();
  const close = () => setNotice(undefined);
  const undo = notice?.undo && (
    <Button
      size="small"
      color="inherit"
      sx={{ fontWeight: 700 }}
      onClick={() => {
        notice.undo?.();
        close();
      }}
    >
      Undo
    </Button>
  );
  return (
    <Context value={setNotice}>
      {children}
      <Snackbar
        open={notice !== undefined}
        message={notice?.text}
        action={undo}
        autoHideDuration={10_000}
        onClose={(_, reason) => reason !== 'clickaway' && close()}
      />
    </Context>
  );
}
