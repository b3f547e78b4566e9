// What a message holds: JSON, a text, or bytes.
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import { Code } from './code/Code';
import type { Form } from './forms/message';

interface Fields {
  form: Form;
  message: string;
  text: string;
  base64: string;
}

const FORMS: [Form, string, string][] = [
  ['message', 'JSON', ''],
  ['text', 'Text', ''],
  ['base64', 'Bytes, in base64', 'Sent as the bytes that this stands for'],
];

const JSON_MESSAGE = { name: 'json' } as const;
const TEXT_MESSAGE = { name: 'text' } as const;

export function Content({ fields, change }: { fields: Fields; change: (part: Partial<Fields>) => void }) {
  const { form } = fields;
  return (
    <Stack spacing={1.5}>
      <TextField
        select
        label="Kind of message"
        value={form}
        onChange={(event) => change({ form: event.target.value as Form })}
        slotProps={{ select: { native: true } }}
        sx={{ maxWidth: 240 }}
      >
        {FORMS.map(([name, title]) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </TextField>
      <Code
        label="Message"
        language={form === 'message' ? JSON_MESSAGE : TEXT_MESSAGE}
        value={fields[form]}
        onChange={(value) => change({ [form]: value })}
        help={FORMS.find(([name]) => name === form)![2]}
      />
    </Stack>
  );
}
