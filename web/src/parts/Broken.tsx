// What is shown where a path leads nowhere, or a page could not be loaded.
import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import { Link } from 'react-router';

export function Broken({ missing = false }: { missing?: boolean }) {
  return (
    <Stack spacing={2} sx={{ p: 3, maxWidth: 640, alignItems: 'flex-start' }}>
      <Alert severity="error" role="alert">
        {missing
          ? 'There is no such page.'
          : 'This page could not be shown. The server may have been updated: load the page again.'}
      </Alert>
      <Stack direction="row" spacing={1}>
        <Button variant="contained" onClick={() => location.reload()}>
          Load again
        </Button>
        <Button component={Link} to="/">
          All integrations
        </Button>
      </Stack>
    </Stack>
  );
}
