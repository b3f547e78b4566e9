// A test of an integration as it is stored.
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import Box from '@mui/material/Box';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useMutation } from '@tanstack/react-query';
import { api, value } from '../api/client';
import { Tested } from './Tested';
import { Trouble } from './Trouble';

export function Steps({ id }: { id: string }) {
  const test = useMutation({
    mutationFn: () => value(api.POST('/api/v1/integrations/{id}/test', { params: { path: { id } }, body: {} })),
  });
  return (
    <Card component="section" aria-labelledby="test" sx={{ p: 2 }}>
      <Stack spacing={1} sx={{ alignItems: 'flex-start' }}>
        <Typography variant="h2" id="test">
          Test
        </Typography>
        {test.error && <Trouble error={test.error} />}
        <Box role="status" sx={{ width: '100%' }}>
          {test.data && <Tested tested={test.data} />}
        </Box>
        <Button variant="outlined" disabled={test.isPending} onClick={() => test.mutate()}>
          Run the test
        </Button>
      </Stack>
    </Card>
  );
}
