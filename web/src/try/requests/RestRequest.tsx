// A request to a REST API: method and path, and below them what goes with it.
import Box from '@mui/material/Box';
import Stack from '@mui/material/Stack';
import Tab from '@mui/material/Tab';
import Tabs from '@mui/material/Tabs';
import TextField from '@mui/material/TextField';
import { useId, useState } from 'react';
import { Code } from '../code/Code';
import { type Kind, METHODS, rest } from '../forms/rest';
import { counted } from '../forms/rows';
import { Rows } from '../Rows';
import { useComposer } from '../useComposer';
import type { RequestProps } from './props';
import { Request } from './Request';

const PARTS = ['Query', 'Headers', 'Body'] as const;

const KINDS: [Kind, string][] = [
  ['none', 'None'],
  ['json', 'JSON'],
  ['text', 'Text'],
  ['form', 'Form fields'],
];

export function RestRequest({ base, type, document }: RequestProps) {
  const composer = useComposer(`${base.id}.rest`, rest);
  const { fields, change } = composer;
  const [part, setPart] = useState<(typeof PARTS)[number]>(fields.kind === 'none' ? 'Query' : 'Body');
  const id = useId();
  const counts = { Query: counted(fields.params).length, Headers: counted(fields.headers).length, Body: 0 };
  const methods = METHODS.includes(fields.method) ? METHODS : [...METHODS, fields.method];
  return (
    <Request base={base} type={type} composer={composer}>
      <Box sx={{ display: 'grid', gridTemplateColumns: 'auto minmax(0, 1fr)', gap: 1 }}>
        <TextField
          select
          label="Method"
          value={fields.method}
          onChange={(event) => {
            const method = event.target.value;
            change({ method });
            if (part === 'Query' && ['POST', 'PUT', 'PATCH'].includes(method)) {
              setPart('Body');
            }
          }}
          slotProps={{ select: { native: true } }}
        >
          {methods.map((method) => (
            <option key={method}>{method}</option>
          ))}
        </TextField>
        <TextField
          label="Path"
          fullWidth
          value={fields.endpoint}
          onChange={(event) => change({ endpoint: event.target.value })}
          helperText={typeof document.base_url === 'string' ? `below ${document.base_url}` : ' '}
          slotProps={{ htmlInput: { spellCheck: false, autoCapitalize: 'off' } }}
        />
      </Box>
      <Tabs value={part} onChange={(_, next: (typeof PARTS)[number]) => setPart(next)} aria-label="Parts of the request">
        {PARTS.map((name) => (
          <Tab
            key={name}
            value={name}
            id={`${id}-${name}`}
            aria-controls={`${id}-panel`}
            label={counts[name] > 0 ? `${name} (${counts[name]})` : name}
            sx={{ textTransform: 'none' }}
          />
        ))}
      </Tabs>
      <Box role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${part}`}>
        {part === 'Query' && <Rows what="parameter" rows={fields.params} onChange={(params) => change({ params })} />}
        {part === 'Headers' && <Rows what="header" rows={fields.headers} onChange={(headers) => change({ headers })} />}
        {part === 'Body' && (
          <Stack spacing={1.5}>
            <TextField
              select
              label="Kind of body"
              value={fields.kind}
              onChange={(event) => change({ kind: event.target.value as Kind, ...(event.target.value === 'json' && !fields.json ? { json: '{\n  \n}' } : {}) })}
              slotProps={{ select: { native: true } }}
              sx={{ maxWidth: 240 }}
            >
              {KINDS.map(([kind, title]) => (
                <option key={kind} value={kind}>
                  {title}
                </option>
              ))}
            </TextField>
            {fields.kind === 'json' && (
              <Code label="Body" language={JSON_BODY} height={200} value={fields.json} onChange={(json) => change({ json })} />
            )}
            {fields.kind === 'text' && (
              <Code
                label="Body"
                language={TEXT_BODY}
                height={200}
                value={fields.text}
                onChange={(text) => change({ text })}
                help="Sent as text/plain, unless there is a header content-type"
              />
            )}
            {fields.kind === 'form' && <Rows what="field" rows={fields.form} onChange={(form) => change({ form })} />}
          </Stack>
        )}
      </Box>
    </Request>
  );
}

const JSON_BODY = { name: 'json' } as const;
const TEXT_BODY = { name: 'text' } as const;
