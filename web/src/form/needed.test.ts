// Which inputs of a connector are drawn first.
import { expect, test } from 'vitest';
import { neededFirst } from './needed';

test('what has to be given comes first, whatever order the manifest has', () => {
  const properties = { account: {}, key: {}, region: {}, secret: {} };
  const inputs = { type: 'object', properties, required: ['secret', 'key'] };
  expect(neededFirst({ ...inputs, 'x-order': ['account', 'secret', 'region', 'key'] })['x-order']).toEqual(['secret', 'key', 'account', 'region']);
  expect(neededFirst(inputs)['x-order']).toEqual(['key', 'secret', 'account', 'region']);
  expect(neededFirst({ type: 'object' })).toEqual({ type: 'object', 'x-order': [] });
});
