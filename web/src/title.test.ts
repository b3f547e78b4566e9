// Every page has a title of its own, with the name of what it is about.
import { expect, test } from 'vitest';
import { integrationIn, titleOf } from './title';

const nameOf = (id: string) => ({ shop: 'The shop', 'a b': 'Spaced' })[id];

test('a title names the page and the integration', () => {
  const titles: Record<string, string> = {
    '/': 'Integrations · Trunkline',
    '/integrations': 'Integrations · Trunkline',
    '/add': 'Add an integration · Trunkline',
    '/add/type/rest': 'Add rest · Trunkline',
    '/add/connector/stripe': 'Add stripe · Trunkline',
    '/integrations/shop': 'The shop · Trunkline',
    '/integrations/shop/try': 'Try it · The shop · Trunkline',
    '/integrations/a%20b/limits': 'Limits · Spaced · Trunkline',
    '/integrations/other/connections/acme': 'acme · Connections · other · Trunkline',
    '/integrations/shop/webhooks/evt_1': 'evt_1 · Webhooks · The shop · Trunkline',
    '/activity': 'Activity · Trunkline',
    '/activity/0f': 'Call 0f · Activity · Trunkline',
    '/settings': 'Settings · Trunkline',
    '/nothing': 'No such page · Trunkline',
    '/activity/nothing/here': 'No such page · Trunkline',
  };
  expect(Object.fromEntries(Object.keys(titles).map((path) => [path, titleOf(path, nameOf)]))).toEqual(titles);
});

test('a part that is no text does not keep the page from being shown', () => {
  expect(titleOf('/integrations/%E0%A4', nameOf)).toBe('%E0%A4 · Trunkline');
  expect(integrationIn('/integrations/a%20b/try')).toBe('a b');
  expect(integrationIn('/activity/shop')).toBeUndefined();
});
