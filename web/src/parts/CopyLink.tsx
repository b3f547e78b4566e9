// Copies the address of the page, which can be passed on.
import Button from '@mui/material/Button';
import { copied } from '../copied';
import { useNotice } from './Notices';

export function CopyLink() {
  const notice = useNotice();
  const copy = () =>
    copied(location.href).then(
      () => notice({ text: 'The link is copied' }),
      () => notice({ text: 'The browser did not let the page copy: take the address of the page' }),
    );
  return <Button onClick={() => void copy()}>Copy the link</Button>;
}
