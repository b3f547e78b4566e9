// The body of a reply, or of a webhook: JSON in lines, long ones folded, what is no text as a file.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useMemo, useState } from 'react';
import { copied } from '../../copied';
import { useNotice } from '../../parts/Notices';
import { size } from '../../words';
import { pretty } from '../json';
import type { Reply } from '../send';
import { fileName } from './read';
import { CODE } from './style';

/** Characters that are shown at first. */
const FOLD = 20_000;
/** Characters beyond which a browser has trouble with one text. */
const SHOWN = 1_000_000;

interface Props {
  /** Its head and its bytes. */
  reply: Pick<Reply, 'headers' | 'bytes'>;
  media: string;
  /** None where it is no text. */
  text: string | undefined;
  /** What it is the body of. */
  of?: string;
}

export function Body({ reply, media, text, of = 'reply' }: Props) {
  const notice = useNotice();
  const [whole, setWhole] = useState<Props['reply']>();
  const lines = useMemo(() => (text === undefined ? '' : pretty(text)), [text]);
  const save = () => {
    const url = URL.createObjectURL(new Blob([reply.bytes], { type: 'application/octet-stream' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = fileName(reply.headers, media, of);
    link.click();
    // Not at once: the browser has only been asked.
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  const copy = () =>
    copied(text ?? '').then(
      () => notice({ text: 'Copied' }),
      () => notice({ text: 'The browser did not let the page copy' }),
    );
  const shown = lines.slice(0, whole === reply ? SHOWN : FOLD);
  if (reply.bytes.length === 0) {
    return (
      <Typography variant="body2" color="textSecondary">
        The {of} has no body.
      </Typography>
    );
  }
  return (
    <Stack spacing={1}>
      {text === undefined ? (
        <Typography variant="body2">
          {size(reply.bytes.length)} of {media || 'no known kind'}, which is no text.
        </Typography>
      ) : (
        <Box component="pre" tabIndex={0} aria-label="Body" sx={CODE}>
          {shown}
          {shown.length < lines.length && '…'}
        </Box>
      )}
      <Box sx={{ display: 'flex', gap: 1, flexWrap: 'wrap' }}>
        {shown.length < lines.length && lines.length <= SHOWN && (
          <Button size="small" onClick={() => setWhole(reply)}>
            Show all {size(reply.bytes.length)}
          </Button>
        )}
        <Button size="small" onClick={save}>
          Save as a file
        </Button>
        {text !== undefined && (
          <Button size="small" onClick={() => void copy()}>
            Copy the body
          </Button>
        )}
      </Box>
    </Stack>
  );
}
