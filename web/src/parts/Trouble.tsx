// What went wrong, in the words of the server, with a way to go on.
import Alert from '@mui/material/Alert';
import AlertTitle from '@mui/material/AlertTitle';
import Button from '@mui/material/Button';
import { Problem } from '../api/client';

export function Trouble({ error, retry }: { error: Error; retry?: () => void }) {
  const problem = error instanceof Problem ? error : undefined;
  const again = retry && (
    <Button color="inherit" size="small" onClick={retry}>
      Try again
    </Button>
  );
  return (
    <Alert severity="error" role="alert" action={again}>
      {problem?.body.title && <AlertTitle>{problem.body.title}</AlertTitle>}
      {error.message}
    </Alert>
  );
}
