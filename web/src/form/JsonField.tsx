// A field for what has no form of its own: JSON, kept as text while it is not valid.
import TextField from '@mui/material/TextField';
import type { FieldProps } from '@rjsf/utils';
import { useEffect, useState } from 'react';
import type { Unread } from './unread';

export function JsonField({ fieldPathId, schema, name, formData, required, disabled, errorSchema, registry, onChange }: FieldProps) {
  const [text, setText] = useState(formData === undefined ? '' : JSON.stringify(formData, null, 2));
  const [wrong, setWrong] = useState('');
  const { unread } = registry.formContext as { unread?: Unread };
  // The form is not to be saved without what stands here.
  useEffect(() => {
    if (wrong === '' || !unread) {
      return;
    }
    unread.add(fieldPathId.$id);
    return () => void unread.delete(fieldPathId.$id);
  }, [wrong, unread, fieldPathId.$id]);
  const against = wrong || said(errorSchema as Said | undefined).join('; ');
  const type = (typed: string) => {
    setText(typed);
    try {
      onChange(typed.trim() === '' ? undefined : JSON.parse(typed), fieldPathId.path);
      setWrong('');
    } catch (error) {
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

type Said = { __errors?: string[] } & { [key: string]: Said | string[] | undefined };

/** What is wrong anywhere in it, each with its place. */
function said(errors: Said | undefined, place = ''): string[] {
  return Object.entries(errors ?? {}).flatMap(([key, inner]) =>
    key === '__errors'
      ? (inner as string[]).map((message) => (place ? `${place}: ${message}` : message))
      : said(inner as Said, place ? `${place}.${key}` : key),
  );
}
