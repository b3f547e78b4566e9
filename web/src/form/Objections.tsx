// What is wrong with a field. The form library counts what comes from outside each time it looks, so each is shown once.
import { Templates } from '@rjsf/mui';
import type { FieldErrorProps } from '@rjsf/utils';

const { FieldErrorTemplate } = Templates;

export function Objections(props: FieldErrorProps) {
  return FieldErrorTemplate ? <FieldErrorTemplate {...props} errors={[...new Set(props.errors)]} /> : null;
}
