// What is asked for first of a credential.
import { expect, test } from 'vitest';
import { credential } from './credential';

const properties = Object.fromEntries(
  ['assertion', 'authorization_url', 'client_id', 'client_secret', 'grant_type', 'issuer', 'refresh_token', 'scope', 'token_url'].map((key) => [key, { type: 'string' }]),
);

test('of an account, what its grant needs comes first, and the rest can be folded', () => {
  const first = (now: unknown) => credential({ properties }, 'oauth2', now)['x-first'];
  expect(first(undefined)).toEqual(['grant_type', 'client_id', 'client_secret', 'token_url', 'scope']);
  expect(first({ grant_type: 'authorization_code' })).toEqual(['grant_type', 'client_id', 'client_secret', 'token_url', 'authorization_url', 'scope']);
  expect(first({ grant_type: 'refresh_token' })).toEqual(['grant_type', 'client_id', 'client_secret', 'token_url', 'scope', 'refresh_token']);
});

test('of a key, the key comes first', () => {
  const schema = { properties: { cookie: {}, format: {}, header: {}, key: {}, query: {} }, required: ['key'] };
  expect(credential(schema, 'api_key', undefined)['x-order']).toEqual(['key', 'header', 'query', 'cookie', 'format']);
});
