// Short messages at the foot of the page, each with a way to undo what it tells of.
import Button from '@mui/material/Button';
import Snackbar from '@mui/material/Snackbar';
import Stack from '@mui/material/Stack';
import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from 'react';
import { added, type Notice, type Standing } from '../notices';

const Context = createContext<(notice: Notice) => void>(() => {});

/** Tells the person something that is over. */
export function useNotice(): (notice: Notice) => void {
  return useContext(Context);
}

export function Notices({ children }: { children: ReactNode }) {
  const [standing, setStanding] = useState<Standing[]>([]);
  const told = useRef(0);
  const tell = useCallback((notice: Notice) => {
    const number = (told.current += 1);
    setStanding((before) => added(before, notice, number));
  }, []);
  const close = (closed: Standing) => setStanding((before) => before.filter((one) => one !== closed));
  return (
    <Context value={tell}>
      {children}
      <Stack spacing={1} sx={{ position: 'fixed', zIndex: 'snackbar', bottom: { xs: 8, sm: 24 }, left: { xs: 8, sm: 24 }, right: { xs: 8, sm: 'auto' }, pointerEvents: 'none' }}>
        {standing.map((one) => (
          <One key={one.key} notice={one} close={() => close(one)} />
        ))}
      </Stack>
    </Context>
  );
}

/** Whoever can undo something has the time to read it, and to get there with the keyboard. */
function One({ notice, close }: { notice: Standing; close: () => void }) {
  const { text, undo } = notice;
  // What is undone is told in the same place, so that the keyboard stays there.
  const undone = useRef<() => void>(undefined);
  const action = undo && (
    <Button
      size="small"
      color="inherit"
      sx={{ fontWeight: 700 }}
      onClick={() => {
        if (undone.current !== undo) {
          undone.current = undo;
          undo();
        }
      }}
    >
      Undo
    </Button>
  );
  return (
    <Snackbar
      open
      message={text}
      action={action}
      autoHideDuration={undo ? 30_000 : 10_000}
      onClose={(_, reason) => reason !== 'clickaway' && close()}
      sx={{ '&&': { position: 'static', transform: 'none', pointerEvents: 'auto' } }}
    />
  );
}
