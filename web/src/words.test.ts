// How times, counts and names read.
import { expect, test } from 'vitest';
import { ago, count, done, label, lasting } from './words';

test('a time is told in the largest unit that fits', () => {
  const now = 1_000_000_000;
  expect(ago(now - 20_000, now)).toBe('just now');
  expect(ago(now - 119_000, now)).toBe('1 minute ago');
  expect(ago(now - 7_200_000, now)).toBe('2 hours ago');
  expect(ago(now + 5_000, now), 'clocks differ').toBe('just now');
});

test('how long something has been is told in the same units', () => {
  const now = 1_000_000_000;
  expect(lasting(now - 20_000, now)).toBe('for less than a minute');
  expect(lasting(now - 60_000, now)).toBe('for 1 minute');
  expect(lasting(now - 172_800_000, now)).toBe('for 2 days');
});

test('keys read as words, and abbreviations stay what they are', () => {
  expect(label('base_url')).toBe('Base URL');
  expect(label('integration_id')).toBe('Integration ID');
  expect(label('rate_limit')).toBe('Rate limit');
});

test('one is not many', () => {
  expect([count(0, 'call'), count(1, 'call'), count(1200, 'call'), count(2, 'try', 'tries')]).toEqual([
    '0 calls',
    '1 call',
    '1,200 calls',
    '2 tries',
  ]);
});

test('what was done is told by its name, where it has one', () => {
  expect(done({ action: 'create_lead', operation: 'POST' })).toBe('create lead (POST)');
  expect(done({ action: null, operation: 'webhook_refused' })).toBe('webhook refused');
});
