// What forms say is wrong: words that tell what is allowed.
import { expect, test } from 'vitest';
import { kept } from '../exact';
import validator from './validator';

const SCHEMA = {
  type: 'object',
  required: ['url'],
  properties: {
    id: { type: 'string', pattern: '^[A-Za-z0-9._~-]+$', maxLength: 8 },
    timeout: { type: 'string', pattern: '^\\s*[0-9.]+\\s*(ms|s|m|h)?\\s*$' },
    day: { type: 'string', pattern: '^\\d{4}-\\d{2}$', examples: ['2026-01'] },
    key: { type: 'string', pattern: '^\\*{8}$|^\\$\\{|^(sk|rk)_' },
    dotted: { type: 'string', pattern: '^SG\\.' },
    url: { type: 'string' },
    retries: { type: 'integer', maximum: 10 },
    way: { type: 'string', oneOf: [{ const: 'a' }, { const: 'b' }] },
  },
} as const;

function said(data: object, rest: object = { url: 'x' }): Record<string, string | undefined> {
  const { errors } = validator.validateFormData({ ...rest, ...data }, SCHEMA as never);
  return Object.fromEntries(errors.map(({ property, message }) => [String(property), message]));
}

test('a form says what is allowed where something else was typed', () => {
  expect(said({ id: 'My Shop!' })['.id']).toMatch(/letters .* digits, .* no spaces/);
  expect(said({ id: 'far-too-long' })['.id']).toBe('has at most 8 characters');
  expect(said({ timeout: 'soon' })['.timeout']).toMatch(/number of seconds.*250ms/);
  expect(said({ day: 'May' })['.day']).toBe('does not have the form that is wanted, such as 2026-01');
  expect(said({ key: 'pk-1' })['.key']).toBe('begins with sk_ or rk_');
  expect(said({ dotted: 'x' })['.dotted']).toBe('begins with SG.');
  expect(said({ retries: 11 })['.retries']).toBe('is at most 10');
  expect(said({ retries: 'x' })['.retries']).toBe('is a whole number');
  expect(said({ way: 'c' })['.way']).toBe('is one of a, b');
  expect(said({}, {})['.url']).toBe('is needed');
});

test('a number that JavaScript has no room for is one, and may be too large', () => {
  expect(said({ retries: kept('12345678901234567890') })).toEqual({ '.retries': 'is at most 10' });
});
