// What lines of a stream show of events.
import { expect, test } from 'vitest';
import { brief } from './brief';

test('of a message of a queue what it says is shown, to the digit, and all else as it came', () => {
  expect(brief('{"queue":"news","message_id":"1","message":{"total": 12.50}}')).toBe('{"total": 12.50}');
  expect(brief('{"queue":"news","text":"hello"}')).toBe('"hello"');
  expect(brief('{"queue":"news","message_id":"1"}')).toBe('{"queue":"news","message_id":"1"}');
  expect(brief('{"message":{"a":1}}')).toBe('{"message":{"a":1}}');
  expect(brief('no JSON')).toBe('no JSON');
  expect(brief('x'.repeat(600))).toHaveLength(500);
});
