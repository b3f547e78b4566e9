// That a secret was changed is seen, and never the secret.
import { expect, test } from 'vitest';
import { changes } from './changes';
import { marked, MASK, unmasked, veiled } from './secrets';

const stored = { name: 'Shop', auth_config: { token: MASK } };

test('where both typed a secret, both changed the same', () => {
  const mine = { ...stored, auth_config: { token: 'mine' } };
  const both = (mark: string) => changes(marked(stored, 'a'), marked(mine, 'a'), marked(stored, mark)).map(({ key, both }) => [key, both]);
  expect(both('a')).toEqual([['auth_config', false]]);
  expect(both('b')).toEqual([['auth_config', true]]);
});

test('a secret that only they changed is theirs', () => {
  const mine = { ...stored, name: 'Mine' };
  const found = changes(marked(stored, 'a'), marked(mine, 'a'), marked(stored, 'b'));
  expect(found.map(({ key, both }) => [key, both])).toEqual([
    ['auth_config', false],
    ['name', false],
  ]);
});

test('what was typed in the place of a secret is not shown', () => {
  expect(veiled({ token: 'mine', scope: ['a'] }, { token: `${MASK}a`, scope: ['b'] })).toEqual({ token: 'another secret', scope: ['a'] });
  expect(veiled(marked(stored, 'a'), stored)).toEqual(stored);
  expect(veiled(undefined, MASK)).toBeUndefined();
});

test('where nothing is stored, no mask stands for it', () => {
  const document = { name: 'Shop', auth_config: { token: MASK, scheme: 'b' }, list: ['a', MASK], plain: { token: MASK } };
  expect(unmasked(document)).toEqual({ name: 'Shop', auth_config: { scheme: 'b' }, list: ['a'], plain: {} });
});
