// A field for what has no form of its own: JSON, kept as text while it is not valid.
import TextField from '@mui/material/TextField';
import type { FieldProps } from '@rjsf/utils';
import { useEffect, useState } from 'react';
import { same } from '../changes';
import { parse, stringify } from '../exact';
import { flat, type Flat } from './flat';
import type { FormContext } from './unread';

const worded = (value: unknown) => (value === undefined ? '' : stringify(value, 2));

export function JsonField({ fieldPathId, schema, name, formData, required, disabled, errorSchema, registry, onChange }: FieldProps) {
  const [typed, setTyped] = useState({ text: worded(formData), says: formData as unknown });
  const [wrong, setWrong] = useState('');
  const { unread } = registry.formContext as FormContext;
  // What came from elsewhere meanwhile; it takes the place of nothing that is not JSON yet.
  const text = wrong !== '' || same(typed.says, formData) ? typed.text : worded(formData);
  // The form is not to be saved without what stands here.
  useEffect(() => {
    if (wrong === '' || !unread) {
      return;
    }
    unread.add(fieldPathId.$id);
    return () => void unread.delete(fieldPathId.$id);
  }, [wrong, unread, fieldPathId.$id]);
  const against = wrong || flat(errorSchema as Flat | undefined).join('; ');
  const type = (text: string) => {
    try {
      const says = text.trim() === '' ? undefined : parse(text);
      setTyped({ text, says });
      onChange(says, fieldPathId.path);
      setWrong('');
    } catch (error) {
      setTyped({ ...typed, text });
      setWrong(`not JSON yet: ${(error as Error).message}`);
    }
  };
  return (
    <TextField
      id={fieldPathId.$id}
      fullWidth
      multiline
      minRows={2}
      label={`${schema.title ?? name} (JSON)`}
      required={required}
      disabled={disabled}
      value={text}
      error={against !== ''}
      helperText={against || schema.description}
      slotProps={{
        htmlInput: { spellCheck: false, style: { fontFamily: 'ui-monospace, monospace', fontSize: '0.85rem' } },
      }}
      onChange={(event) => type(event.target.value)}
    />
  );
}
