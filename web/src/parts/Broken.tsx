// What is shown where a path leads nowhere, or a page could not be loaded.
import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { Link } from 'react-router';

export function Broken({ missing = false }: { missing?: boolean }) {
  return (
    // What could not be shown stands in the place of all, its frame too.
    <Stack component={missing ? 'div' : 'main'} spacing={2} sx={{ p: missing ? 0 : 3, maxWidth: 640, alignItems: 'flex-start' }}>
      <Typography variant="h1">{missing ? 'No such page' : 'Something went wrong'}</Typography>
      <Alert severity="error" role="alert">
        {missing
          ? 'Nothing is at this address.'
          : 'This page could not be shown. The server may have been updated: load the page again.'}
      </Alert>
      <Stack direction="row" spacing={1}>
        {!missing && (
          <Button variant="contained" onClick={() => location.reload()}>
            Load again
          </Button>
        )}
        <Button component={Link} to="/" variant={missing ? 'contained' : 'text'}>
          All integrations
        </Button>
      </Stack>
    </Stack>
  );
}
