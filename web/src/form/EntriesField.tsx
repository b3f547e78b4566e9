// A field for one set of settings or a list of them, such as limits of a rate: each in a form of its own, or all as JSON.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import Form from '@rjsf/mui';
import type { FieldProps, Registry } from '@rjsf/utils';
import { useEffect, useMemo, useState } from 'react';
import { isObject } from '../objects';
import { drawable, fit } from './drawable';
import { AS_IT_IS, edited } from './edited';
import { entriesOf, isEntries, valueOf } from './entries';
import { flat, type Flat } from './flat';
import { levelOf } from './Titles';
import type { FormContext } from './unread';
import validator from './validator';

type Data = Record<string, unknown>;

export function EntriesField(props: FieldProps) {
  const { fieldPathId, schema, uiSchema, name, formData, disabled, errorSchema, registry, onChange } = props;
  const { folding, depth = 0 } = registry.formContext as FormContext;
  // What stands there and is neither is left to who has written it.
  const [text, setText] = useState(!isEntries(formData));
  const level = levelOf(fieldPathId.path, folding !== undefined) + depth;
  const title = schema.title ?? name;
  const entries = entriesOf(formData);
  const put = (list: Data[]) => onChange(valueOf(list, formData), fieldPathId.path);
  const { JsonField } = registry.fields;
  return (
    <Stack component="section" aria-labelledby={`${fieldPathId.$id}-title`} spacing={1.5}>
      <Box sx={{ display: 'flex', alignItems: 'center', justifyContent: 'space-between', borderBottom: 1, borderColor: 'divider' }}>
        <Typography id={`${fieldPathId.$id}-title`} variant="subtitle1" component={`h${Math.min(level, 6)}` as 'h3'} sx={{ fontWeight: 650 }}>
          {title}
        </Typography>
        <Button size="small" disabled={text && !isEntries(formData)} aria-label={`${title} ${text ? 'in fields' : 'as JSON'}`} onClick={() => setText(!text)}>
          {text ? 'In fields' : 'As JSON'}
        </Button>
      </Box>
      {text && JsonField ? (
        <JsonField {...props} />
      ) : (
        <>
          {schema.description && (
            <Typography variant="body2" color="textSecondary">
              {schema.description}
            </Typography>
          )}
          {flat(errorSchema as Flat | undefined).map((wrong) => (
            <Typography key={wrong} variant="body2" color="error">
              {wrong}
            </Typography>
          ))}
          {entries.map((entry, at) => (
            // By their places: nothing else tells one from another.
            <Box key={`${at} of ${entries.length}`} role="group" aria-label={`${title} ${at + 1}`} sx={entries.length > 1 ? { border: 1, borderColor: 'divider', borderRadius: 1, p: 1.5 } : {}}>
              <Entry
                schema={uiSchema?.['ui:entry'] as Data}
                id={`${fieldPathId.$id}_${at}`}
                data={entry}
                disabled={disabled ?? false}
                depth={level - 1}
                registry={registry}
                onChange={(after) => put(entries.map((one, place) => (place === at ? after : one)))}
              />
              {entries.length > 1 && !disabled && (
                <Button size="small" color="error" aria-label={`Remove ${title} ${at + 1}`} onClick={() => put(entries.filter((_, place) => place !== at))}>
                  Remove this one
                </Button>
              )}
            </Box>
          ))}
          {!disabled && (
            <div>
              <Button size="small" disabled={entries.some((entry) => Object.keys(entry).length === 0)} aria-label={`${title}: one more`} onClick={() => put([...entries, {}])}>
                One more
              </Button>
            </div>
          )}
        </>
      )}
    </Stack>
  );
}

interface EntryProps {
  schema: Data;
  id: string;
  data: Data;
  disabled: boolean;
  /** How deep its headings are. */
  depth: number;
  registry: Registry;
  onChange: (data: Data) => void;
}

/** A form in the form: checked by itself, and not to be saved while something in it is wrong. */
function Entry({ schema, id, data, disabled, depth, registry, onChange }: EntryProps) {
  const shape = useMemo(() => drawable({ ...schema, title: ' ', description: undefined }, '', undefined), [JSON.stringify(schema)]);
  const { unread } = registry.formContext as FormContext;
  const shown = fit(data, shape.schema) as Data;
  const [wrong] = validator.validateFormData(shown, shape.schema).errors;
  const place = wrong && `${id}${(wrong.property ?? '').replaceAll('.', '_')}`;
  useEffect(() => {
    if (place === undefined || !unread) {
      return;
    }
    unread.add(place);
    return () => void unread.delete(place);
  }, [place, unread]);
  return (
    <Form
      tagName="div"
      schema={shape.schema}
      uiSchema={{ ...shape.ui, 'ui:title': ' ', 'ui:options': { label: false } }}
      formData={shown}
      idPrefix={id}
      validator={validator}
      widgets={registry.widgets}
      fields={registry.fields}
      templates={registry.templates}
      formContext={{ unread, depth }}
      liveValidate="onChange"
      showErrorList={false}
      noHtml5Validate
      disabled={disabled}
      experimental_defaultFormStateBehavior={AS_IT_IS}
      onChange={(event) => {
        const after = edited(data, shown, event.formData);
        onChange(isObject(after) ? given(after) : {});
      }}
    >
      {/* It is saved with all else. */}
      <></>
    </Form>
  );
}

/** Without what was emptied. */
function given(entry: Data): Data {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));
}
