// Copies what is asked as a command or as lines of a program.
import Button from '@mui/material/Button';
import Menu from '@mui/material/Menu';
import MenuItem from '@mui/material/MenuItem';
import { useState } from 'react';
import { copied } from '../../copied';
import { useNotice } from '../../parts/Notices';
import type { Asked } from './asked';
import { cli } from './cli';
import { curl } from './curl';
import { rust } from './rust';

const KINDS: [string, (asked: Asked, type: string) => string][] = [
  ['curl', curl],
  ['Trunkline command', cli],
  ['Rust', rust],
];

export function CopyAs({ asked, type, disabled }: { asked: Asked; type: string; disabled: boolean }) {
  const notice = useNotice();
  const [anchor, setAnchor] = useState<HTMLElement>();
  const copy = (text: string) => {
    setAnchor(undefined);
    copied(text).then(
      () => notice({ text: asked.token ? 'Copied. It takes the token from TRUNKLINE_API_TOKEN.' : 'Copied' }),
      () => notice({ text: 'The browser did not let the page copy' }),
    );
  };
  return (
    <>
      <Button aria-haspopup="menu" aria-expanded={anchor !== undefined} disabled={disabled} onClick={(event) => setAnchor(event.currentTarget)}>
        Copy as…
      </Button>
      <Menu open={anchor !== undefined} anchorEl={anchor ?? null} onClose={() => setAnchor(undefined)}>
        {KINDS.map(([title, made]) => (
          <MenuItem key={title} onClick={() => copy(made(asked, type))}>
            {title}
          </MenuItem>
        ))}
      </Menu>
    </>
  );
}
