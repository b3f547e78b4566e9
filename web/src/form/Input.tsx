// A field for a text or a number, as the form library draws it, with what it is described by at the input itself.
import { Templates } from '@rjsf/mui';
import type { BaseInputTemplateProps } from '@rjsf/utils';
import type { ComponentType } from 'react';
import { describedBy } from './described';

const Plain = Templates.BaseInputTemplate as ComponentType<BaseInputTemplateProps & { slotProps: object }>;

export function Input(props: BaseInputTemplateProps) {
  const { id, schema, rawErrors } = props;
  return <Plain {...props} slotProps={{ htmlInput: { 'aria-describedby': describedBy(id, schema, rawErrors) } }} />;
}
