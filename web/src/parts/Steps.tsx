// A test of an integration, or a connection of one, as it is stored, in the same steps as before it was.
import Card from '@mui/material/Card';
import Typography from '@mui/material/Typography';
import { pathOf } from '../api/operate';
import { RunTest } from './RunTest';

const NOTHING = {};

export function Steps({ id, connection }: { id: string; connection?: string }) {
  return (
    <Card component="section" aria-labelledby="test" sx={{ p: 2 }}>
      <Typography variant="h2" id="test" sx={{ mb: 1 }}>
        Test
      </Typography>
      <RunTest label="Run the test" path={`${pathOf(id, connection)}/test`} body={NOTHING}>
        Asks the service over a connection of its own, with the credential that calls have.
      </RunTest>
    </Card>
  );
}
