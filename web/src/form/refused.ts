// Where in a form the server's objection belongs: its problems begin with the place that they are about.
import type { RJSFValidationError } from '@rjsf/utils';

/** `rate_limit[0].requests: expected a nonzero u32`, as an error at its place; none where no place is named. */
export function placed(detail: string | undefined, keys: string[]): RJSFValidationError | undefined {
  const [, place, message] = /^([\w-]+(?:[.[][\w\].[-]*)?): (.+)$/s.exec(detail ?? '') ?? [];
  const path = place?.split(/[.[\]]+/).filter(Boolean) ?? [];
  if (message === undefined || !keys.includes(path[0] ?? '')) {
    return undefined;
  }
  const property = `.${path.join('.')}`;
  return { name: 'server', property, message, stack: `${property} ${message}` };
}
