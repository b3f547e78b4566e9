// A test of what a form says, before anything of it is saved.
import Box from '@mui/material/Box';
import { RunTest } from './RunTest';

export function TestFirst({ document }: { document: Record<string, unknown> }) {
  return (
    <Box component="section" aria-label="Test before saving">
      <RunTest label="Test" path="/api/v1/integrations/try" body={{ integration: document }}>
        Asks the service with what stands above. Nothing is saved.
      </RunTest>
    </Box>
  );
}
