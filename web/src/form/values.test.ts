// Which values a connection is asked for.
import { expect, test } from 'vitest';
import type { Asked } from './integrationSchema';
import { placeholders, valuesOf } from './values';

const SECRET = { writeOnly: true, 'x-literal': true };

const SHOP = {
  description: 'Of {{connection.nobody}}',
  base_url: 'https://{{connection.site}}.example.com/{{connection.site}}',
  auth_config: { token: '{{connection.pass}}' },
  headers: { 'X-Tenant': '{{connection.tenant}}', 'X-Other': '{{ connection.no }}' },
};

test('what stands in the integration for a connection is found with its places', () => {
  expect(Object.fromEntries(placeholders(SHOP))).toEqual({ site: ['base_url'], pass: ['auth_config.token'], tenant: ['headers.X-Tenant'] });
});

test('each is a field, and those of credentials, those that are masked and those that are called so are secrets', () => {
  const { properties } = valuesOf({ description: 'What stands' }, SHOP, undefined, { site: 'acme', tenant: '********', api_key: 'x', more: 'y' });
  expect(properties).toEqual({
    site: { type: 'string', description: 'Stands in base_url.' },
    pass: { type: 'string', description: 'Stands in auth_config.token.', ...SECRET },
    tenant: { type: 'string', description: 'Stands in headers.X-Tenant.', ...SECRET },
    api_key: { type: 'string', ...SECRET },
    more: { type: 'string' },
  });
});

test('inputs that the integration does not give are asked for as its connector has them', () => {
  const input = { type: 'string', title: 'Site', pattern: '^a' };
  const asked: Asked = {
    inputs: { properties: {} },
    ways: [
      { id: 'token', title: 'Token', inputs: { 'x-order': ['site', 'email'], properties: { email: { type: 'string' }, site: input } } },
      { id: 'oauth', title: 'OAuth', inputs: { properties: { client_id: { type: 'string' } } } },
    ],
  };
  const names = (document: Record<string, unknown>) => Object.keys(valuesOf({}, document, asked, undefined).properties as object);
  expect(names({ connector: 'jira' })).toEqual(['site', 'email']);
  expect(names({ connector: 'jira', auth: 'oauth' })).toEqual(['client_id']);
  expect(names({ connector: 'jira', auth: 'token', inputs: { email: 'a@b.example' } })).toEqual(['site']);
  expect((valuesOf({}, { connector: 'jira' }, asked, undefined).properties as Record<string, unknown>).site).toEqual(input);
});
