// What comes late, such as that something could not be loaded again: over the foot of what one reads, where it pushes nothing down.
import Box from '@mui/material/Box';
import type { ReactNode } from 'react';

/** To be the last on its page. */
export function Foot({ children }: { children: ReactNode }) {
  return <Box sx={{ position: 'sticky', bottom: 8, zIndex: 1, display: 'grid', gap: 1, '&&:empty': { display: 'none' } }}>{children}</Box>;
}
