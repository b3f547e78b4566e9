// A form that is drawn from a schema, checked as one types.
import Form from '@rjsf/mui';
import { type RJSFSchema } from '@rjsf/utils';
import { type ReactNode, useMemo } from 'react';
import { drawable, fit } from './drawable';
import { JsonField } from './JsonField';
import { SecretWidget } from './SecretWidget';
import validator from './validator';

export type Data = Record<string, unknown>;

interface Props {
  schema: Data;
  data: Data;
  /** Apart from all other forms of the page. */
  prefix: string;
  readonly?: string[];
  disabled?: boolean;
  onChange: (data: Data) => void;
  onSubmit: () => void;
  children: ReactNode;
}

export function SchemaForm({ schema, data, prefix, readonly = [], disabled, onChange, onSubmit, children }: Props) {
  const shape = useMemo(() => {
    const drawn = drawable({ ...schema, title: ' ', description: undefined }, '', data);
    for (const key of readonly) {
      drawn.ui[key] = { ...(drawn.ui[key] as object), 'ui:disabled': true };
    }
    drawn.ui['ui:title'] = ' ';
    return drawn;
    // Only what is drawn otherwise makes another form: the keys, not what is typed into them.
  }, [JSON.stringify(schema), readonly.join()]);
  return (
    <Form
      schema={shape.schema}
      uiSchema={{ ...shape.ui, 'ui:options': { label: false } }}
      formData={fit(data, shape.schema as RJSFSchema)}
      idPrefix={prefix}
      validator={validator}
      widgets={{ SecretWidget }}
      fields={{ JsonField }}
      liveValidate="onChange"
      showErrorList={false}
      noHtml5Validate
      disabled={disabled ?? false}
      experimental_defaultFormStateBehavior={{ emptyObjectFields: 'skipDefaults' }}
      onChange={(event) => onChange(event.formData as Data)}
      onSubmit={onSubmit}
    >
      {children}
    </Form>
  );
}
