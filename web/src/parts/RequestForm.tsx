// A request of an integration's type, written as JSON.
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import { useState } from 'react';
import { Sender } from './Sender';

export function RequestForm({ path, example }: { path: string; example: object }) {
  const [text, setText] = useState(JSON.stringify(example, null, 2));
  const wrong = mistake(text);
  return (
    <Sender path={path} body={text} disabled={wrong !== ''}>
      {(send, buttons) => (
        <Stack
          component="form"
          spacing={1}
          onSubmit={(event) => {
            event.preventDefault();
            send();
          }}
        >
          <TextField
            label="Request (JSON)"
            multiline
            minRows={4}
            maxRows={20}
            fullWidth
            value={text}
            error={wrong !== ''}
            helperText={wrong || 'The same as the body of a call over the API'}
            onChange={(event) => setText(event.target.value)}
            slotProps={{ htmlInput: { spellCheck: false, style: { fontFamily: 'ui-monospace, monospace', fontSize: '0.85rem' } } }}
          />
          {buttons}
        </Stack>
      )}
    </Sender>
  );
}

/** Why a text is not JSON, or nothing. */
function mistake(text: string): string {
  try {
    JSON.parse(text);
    return '';
  } catch (error) {
    return `not JSON yet: ${(error as Error).message}`;
  }
}
