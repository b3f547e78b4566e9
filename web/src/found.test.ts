// What a search, a type and a state leave of the list.
import { expect, test } from 'vitest';
import { found, stateOf } from './found';

const ALL = [
  { integration_id: 'shop', name: 'The shop', type: 'rest', enabled: true },
  { integration_id: 'stock', name: 'Stock', type: 'graphql', enabled: true, error: 'auth_config.token: is not set' },
  { integration_id: 'old', name: 'An old shop', type: 'rest', connector: 'hubspot', vendor: 'HubSpot', enabled: false },
];

test('every word has to stand somewhere, and the type has to be the one', () => {
  const ids = (text: string, type: string) => found(ALL, text, type).map((one) => one.integration_id);
  expect(ids('SHOP', '')).toEqual(['shop', 'old']);
  expect(ids('shop the', '')).toEqual(['shop']);
  expect(ids('', 'graphql')).toEqual(['stock']);
  expect(ids('hubspot', '')).toEqual(['old']);
});

test('an integration is as its health says, unless it is off or cannot be opened', () => {
  expect(stateOf(ALL[0]!, 'degraded')).toBe('degraded');
  expect(stateOf(ALL[0]!, undefined)).toBeUndefined();
  expect(stateOf(ALL[1]!, 'unknown')).toBe('not open');
  expect(stateOf(ALL[2]!, 'disabled')).toBe('off');
});
