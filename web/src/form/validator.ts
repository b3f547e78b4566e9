// Checks forms against their schemas without making code of them, which the policy of the page forbids.
import { Validator } from '@cfworker/json-schema';
import { createErrorHandler, type RJSFSchema, type RJSFValidationError, toErrorSchema, unwrapErrorHandler, validationDataMerge, type ValidatorType } from '@rjsf/utils';
import { rounded } from '../exact';
import { said } from './said';

/** The errors of `data`, each at the innermost place that it is about. */
function errorsOf(schema: RJSFSchema, data: unknown): RJSFValidationError[] {
  const { errors } = new Validator(schema as never, '2020-12', false).validate(rounded(data));
  const inner = errors.filter(({ keyword, keywordLocation }) => keyword !== 'properties' && keyword !== 'items' && keyword !== 'additionalProperties' && !isChoice(keyword, keywordLocation));
  return (inner.length > 0 ? inner : errors).map(({ keyword, keywordLocation, instanceLocation, error }) => {
    // A missing key is told at its own place.
    const missing = keyword === 'required' ? /property "([^"]+)"/.exec(error)?.[1] : undefined;
    const path = instanceLocation.slice(1).split('/').filter(Boolean).map(decode);
    const property = `.${[...path, ...(missing ? [missing] : [])].join('.')}`;
    const message = missing ? 'is needed' : said(keyword, ruleOf(schema, keywordLocation), error);
    return { name: keyword, property, message, stack: `${property} ${message}` };
  });
}

/** One of several values that are allowed: what is said of all of them is enough. */
function isChoice(keyword: string, location: string): boolean {
  return keyword === 'const' && /\/(oneOf|anyOf)\/\d+\/const$/.test(location);
}

/** The schema whose keyword stands at `location`, which is a JSON pointer as the fragment of a URI. */
function ruleOf(schema: unknown, location: string): unknown {
  const path = location.slice(1).split('/').filter(Boolean).map(decode).slice(0, -1);
  return path.reduce((inner: unknown, part) => (inner as Record<string, unknown> | undefined)?.[part], schema);
}

/** A part of a JSON pointer (RFC 6901 section 4), which comes as the fragment of a URI. */
function decode(part: string): string {
  return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
}

const validator: ValidatorType = {
  isValid: (schema, data) => errorsOf(schema, data).length === 0,
  rawValidation: (schema, data) => ({ errors: errorsOf(schema, data) as never[] }),
  validateFormData(data, schema, custom) {
    const errors = errorsOf(schema, data);
    const found = { errors, errorSchema: toErrorSchema(errors) };
    if (!custom) {
      return found;
    }
    return validationDataMerge(found, unwrapErrorHandler(custom(data, createErrorHandler(data))) as never);
  },
};

export default validator;
