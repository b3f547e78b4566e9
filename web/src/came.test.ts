// What came is shown and saved as it was sent.
import { expect, test } from 'vitest';
import { came } from './came';

const event = (body: string) => `{"id":"evt_1","number":1,"received_at_ms":1,"state":"kept","deliveries":[{"body":0}],"headers":{"content-type":"a/b","body":"no"},${body}}`;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test('JSON keeps its digits, its order and its spaces', () => {
  const body = '{ "amount": 1.50, "id": 12345678901234567890, "a": ["}", ","], "b": "\\"" }';
  expect(text(came(event(`"body":${body}`)).bytes)).toBe(body);
  expect(text(came(event('"body":3')).bytes)).toBe('3');
  expect(text(came(event('"body":null')).bytes)).toBe('null');
});

test('a text, bytes, and nothing', () => {
  expect(text(came(event('"text":"a=b&body=ü"')).bytes)).toBe('a=b&body=ü');
  expect([...came(event('"base64":"AP8B"')).bytes]).toEqual([0, 255, 1]);
  expect(came(event('"text":""')).bytes).toHaveLength(0);
  expect(came(event('"text":""')).headers.get('content-type')).toBe('a/b');
});
