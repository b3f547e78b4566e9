// A field for a text or a number, as the form library draws it, with what it is described by at the input itself.
import { Templates } from '@rjsf/mui';
import type { BaseInputTemplateProps } from '@rjsf/utils';
import type { ComponentType } from 'react';
import { digits, kept } from '../exact';
import { describedBy } from './described';

const Plain = Templates.BaseInputTemplate as ComponentType<BaseInputTemplateProps & { slotProps: object }>;

export function Input(props: BaseInputTemplateProps) {
  const { id, schema, rawErrors, value, onChange } = props;
  const slotProps = { htmlInput: { 'aria-describedby': describedBy(id, schema, rawErrors) } };
  if (schema.type !== 'number' && schema.type !== 'integer') {
    return <Plain {...props} slotProps={slotProps} />;
  }
  const change: typeof onChange = (typed, ...more) => onChange(typeof typed === 'string' ? kept(typed) : typed, ...more);
  return <Plain {...props} value={digits(value)} onChange={change} slotProps={slotProps} />;
}
