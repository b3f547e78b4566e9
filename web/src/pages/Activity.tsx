// What happened lately, through all integrations.
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { Log } from '../parts/Log';

export function Activity() {
  return (
    <Stack spacing={2}>
      <Typography variant="h1">Activity</Typography>
      <Log />
    </Stack>
  );
}
