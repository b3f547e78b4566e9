// What two people changed in the same configuration.
import { expect, test } from 'vitest';
import { changes, merged } from './changes';

const BASE = { name: 'Shop', description: 'One', auth_type: 'bearer', auth_config: { token: 'a', scheme: 'b' }, enabled: true };

const crossed = (mine: object, theirs: object) => changes(BASE, { ...BASE, ...mine }, { ...BASE, ...theirs }).filter(({ both }) => both).map(({ key }) => key);

test('what only one of them changed is kept of both', () => {
  const mine = { ...BASE, name: 'Mine', auth_config: { token: 'mine', scheme: 'b' } };
  const theirs = { ...BASE, description: 'Theirs', auth_config: { token: 'a', scheme: 'theirs' }, enabled: false };
  const both = { name: 'Mine', description: 'Theirs', auth_type: 'bearer', auth_config: { token: 'mine', scheme: 'theirs' }, enabled: false };
  expect(merged(BASE, mine, theirs)).toEqual(both);
  expect(crossed(mine, theirs)).toEqual([]);
});

test('what one of them took away is gone, and what was added is there', () => {
  const { description: _, ...mine } = BASE;
  expect(merged(BASE, mine, { ...BASE, timeout: 3 })).toEqual({ ...mine, timeout: 3 });
});

test('where both changed the same, it is mine, and told', () => {
  const [mine, theirs] = [{ name: 'Mine', auth_config: { token: 'mine', scheme: 'b' } }, { name: 'Theirs', auth_config: { token: 'theirs', scheme: 'b' } }];
  expect(merged(BASE, { ...BASE, ...mine }, { ...BASE, ...theirs })).toEqual({ ...BASE, ...mine });
  expect(crossed(mine, theirs)).toEqual(['auth_config', 'name']);
  expect(crossed(mine, mine)).toEqual([]);
});

test('a credential and its kind are one thing', () => {
  expect(crossed({ auth_config: { token: 'mine', scheme: 'b' } }, { auth_type: 'basic' })).toEqual(['auth_config', 'auth_type']);
});
