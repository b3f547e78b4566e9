// A test of an integration, step by step, with what failed and why.
import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useMutation } from '@tanstack/react-query';
import { api, value } from '../api/client';
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
          {test.data && (
            <Stack spacing={1}>
              <Box component="ol" sx={{ m: 0, pl: 3 }}>
                {test.data.steps?.map(({ step, ok }) => (
                  <Typography key={step} component="li" variant="body2" color={ok ? 'success' : 'error'}>
                    {step}: {ok ? 'done' : 'failed'}
                  </Typography>
                ))}
              </Box>
              <Alert severity={test.data.status === 'success' ? 'success' : 'error'} icon={false}>
                {test.data.status === 'success' ? 'The service answered.' : test.data.error}
                {test.data.warning && ` ${test.data.warning}`}
              </Alert>
            </Stack>
          )}
        </Box>
        <Button variant="outlined" disabled={test.isPending} onClick={() => test.mutate()}>
          Run the test
        </Button>
      </Stack>
    </Card>
  );
}
