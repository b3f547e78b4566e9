// What an address names and is not there, with the way to what is.
import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { Link } from 'react-router';

interface Props {
  title: string;
  says: string;
  to: string;
  /** What is at `to`. */
  back: string;
}

export function Missing({ title, says, to, back }: Props) {
  return (
    <Stack spacing={2} sx={{ maxWidth: 640, alignItems: 'flex-start' }}>
      <Typography variant="h1">{title}</Typography>
      <Alert severity="error" role="alert" sx={{ wordBreak: 'break-word' }}>
        {says}
      </Alert>
      <Button component={Link} to={to}>
        {back}
      </Button>
    </Stack>
  );
}
