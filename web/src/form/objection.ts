// What the server said of a form, at its place: that an id is taken stands at the id.
import type { RJSFValidationError } from '@rjsf/utils';
import { Problem } from '../api/client';
import { placed } from './refused';

/** The place of `error` among `keys`, if it has one. */
export function objection(error: Error | undefined, keys: string[]): RJSFValidationError | undefined {
  if (!(error instanceof Problem)) {
    return undefined;
  }
  return placed(error.body.kind === 'conflict' ? `integration_id: ${TAKEN}` : error.body.detail, keys);
}

const TAKEN = 'is taken: choose another, or configure the integration that has it';
