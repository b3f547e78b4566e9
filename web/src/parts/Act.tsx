// A button of what takes a while, or cannot be done now. It keeps the keyboard meanwhile, which one that is disabled would lose.
import Button, { type ButtonProps } from '@mui/material/Button';

interface Props extends ButtonProps {
  /** Whether it is being done, or there is nothing to do; then pressing it does nothing. */
  busy: boolean;
}

export function Act({ busy, onClick, sx = [], ...props }: Props) {
  return (
    <Button
      {...props}
      aria-disabled={busy}
      sx={[busy && { opacity: 0.6 }, ...(Array.isArray(sx) ? sx : [sx])]}
      onClick={busy ? (event) => event.preventDefault() : onClick}
    />
  );
}
