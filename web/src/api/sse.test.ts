// Events are the same however the text is cut into pieces.
import { expect, test } from 'vitest';
import { reader } from './sse';

const TEXT = ': heartbeat\r\n\r\nid: 7\ndata: {"a":1}\n\nevent: missed\rdata: one\rdata:two\r\rid: 8\r\ndata: x\r\n\r\ndata: cut';

const EVENTS = [
  { name: 'message', id: '7', data: '{"a":1}' },
  { name: 'missed', id: '7', data: 'one\ntwo' },
  { name: 'message', id: '8', data: 'x' },
];

test('events have their name, their id and their lines', () => {
  expect(reader()(TEXT)).toEqual(EVENTS);
});

test('pieces may end anywhere', () => {
  for (let size = 1; size < 20; size += 1) {
    const read = reader();
    const pieces = TEXT.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? [];
    expect(pieces.flatMap((piece) => read(piece)), `pieces of ${size}`).toEqual(EVENTS);
  }
});

test('an event may have a name alone, or nothing but an empty line of data', () => {
  const text = ': hello\n\ndata: a\n\nevent: next\r\ndata:b\r\ndata:  c\r\nid: 1\r\n\r\nevent: complete\r\rdata\n\ndata: cut';
  const expected = [
    { name: 'message', id: '', data: 'a' },
    { name: 'next', id: '1', data: 'b\n c' },
    { name: 'complete', id: '1', data: '' },
    { name: 'message', id: '1', data: '' },
  ];
  for (const size of [1, 2, 3, 7, 1000]) {
    const read = reader();
    const pieces = text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? [];
    expect(pieces.flatMap((piece) => read(piece)), `pieces of ${size}`).toEqual(expected);
  }
});
