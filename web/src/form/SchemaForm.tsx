// A form that is drawn from a schema, checked as one types.
import Form from '@rjsf/mui';
import { type RJSFSchema, type RJSFValidationError, toErrorSchema } from '@rjsf/utils';
import { type ReactNode, useMemo, useRef } from 'react';
import { ChoiceWidget } from './ChoiceWidget';
import { drawable, fit } from './drawable';
import { AS_IT_IS, edited } from './edited';
import { EntriesField } from './EntriesField';
import { Input } from './Input';
import { JsonField } from './JsonField';
import { Objections } from './Objections';
import { SecretWidget } from './SecretWidget';
import { type Folding, Sections } from './Sections';
import { Description, Field, ListTitle, Title } from './Titles';
import { allRead, type Unread } from './unread';
import { WordsField } from './WordsField';
import validator from './validator';

export type Data = Record<string, unknown>;

const TEMPLATES = {
  BaseInputTemplate: Input,
  ObjectFieldTemplate: Sections,
  FieldTemplate: Field,
  FieldErrorTemplate: Objections,
  TitleFieldTemplate: Title,
  ArrayFieldTitleTemplate: ListTitle,
  DescriptionFieldTemplate: Description,
};

const FIELDS = { EntriesField, JsonField, WordsField };

interface Props {
  schema: Data;
  data: Data;
  /** Apart from all other forms of the page. */
  prefix: string;
  readonly?: string[];
  disabled?: boolean;
  /** What the server objected to, at its place. */
  refused?: RJSFValidationError | undefined;
  /** Folds the settings under headings. */
  folding?: Folding;
  onChange: (data: Data) => void;
  onSubmit: () => void;
  children: ReactNode;
}

export function SchemaForm({ schema, data, prefix, readonly = [], disabled, refused, folding, onChange, onSubmit, children }: Props) {
  const shape = useMemo(() => {
    const drawn = drawable({ ...schema, title: ' ', description: undefined }, '', data);
    for (const key of readonly) {
      drawn.ui[key] = { ...(drawn.ui[key] as object), 'ui:disabled': true };
    }
    drawn.ui['ui:title'] = ' ';
    return drawn;
    // Only what is drawn otherwise makes another form: the keys, not what is typed into them.
  }, [JSON.stringify(schema), readonly.join()]);
  const unread = useRef<Unread>(new Set()).current;
  const shown = fit(data, shape.schema as RJSFSchema);
  return (
    <Form
      schema={shape.schema}
      uiSchema={{ ...shape.ui, 'ui:options': { label: false } }}
      formData={shown}
      idPrefix={prefix}
      validator={validator}
      widgets={{ SecretWidget, ChoiceWidget }}
      fields={FIELDS}
      templates={TEMPLATES}
      formContext={{ folding, unread }}
      {...(refused ? { extraErrors: toErrorSchema([refused]), extraErrorsBlockSubmit: false } : {})}
      liveValidate="onChange"
      showErrorList={false}
      noHtml5Validate
      disabled={disabled ?? false}
      experimental_defaultFormStateBehavior={AS_IT_IS}
      onChange={(event) => onChange(edited(data, shown, event.formData) as Data)}
      focusOnFirstError
      onSubmit={() => allRead(unread) && onSubmit()}
    >
      {children}
    </Form>
  );
}
