// Requests in forms and as JSON say the same; feeds are bounded.
import { describe, expect, test } from 'vitest';
import { extended, nothing } from './feed';
import { heard, listened, published, pulled, said } from './forms/message';
import { graphQl, sql } from './forms/query';
import { rest } from './forms/rest';
import type { Shape } from './forms/shape';
import { pretty } from './json';
import { fileName } from './reply/read';
import { results } from './reply/result';
import { tablesOf } from './tables';

const SHAPES: [string, Shape<never>, object[]][] = [
  [
    'rest',
    rest as unknown as Shape<never>,
    [
      { method: 'GET', endpoint: '/orders', params: { page: '2', tag: ['a', 'b'] }, headers: { 'x-a': '1' } },
      { method: 'POST', endpoint: '/orders', json: { item: 'tea', parts: [1, null] } },
      { method: 'POST', endpoint: '/orders', json: null },
      { method: 'PUT', endpoint: '', data: 'as it is' },
      { method: 'POST', endpoint: '/form', data: { a: '1' }, timeout: 5 },
      { method: 'POST', endpoint: '/file', multipart: [{ name: 'file', text: 'x' }] },
    ],
  ],
  [
    'sql',
    sql as unknown as Shape<never>,
    [
      { query: 'select :id', params: { id: 7 } },
      { name: 'customer', params: [1], read_only: true, max_rows: 5 },
    ],
  ],
  [
    'graphql',
    graphQl as unknown as Shape<never>,
    [{ query: 'query A { a }', variables: { a: 1 }, operation_name: 'A', ttl: 5 }, { name: 'order' }],
  ],
  ['said', said as unknown as Shape<never>, [{ message: { op: 'ping' } }, { text: 'x', wait_response: false }, { base64: 'eA==', timeout: 2 }]],
  ['published', published as unknown as Shape<never>, [{ queue: 'orders', message: [1], headers: { a: 'b' }, wait_response: true, key: 'k' }]],
  ['pulled', pulled as unknown as Shape<never>, [{ queue: 'orders', receive: { max: 10, wait: '2s', group: 'g', ack: 'auto' } }]],
  ['heard', heard as unknown as Shape<never>, [{ queue: 'orders', group: 'g', from: 'earliest', ack: 'auto', prefetch: 8 }, { queue: 'q', from: 7 }]],
  ['listened', listened as unknown as Shape<never>, [{}, { stream: 'trades', timeout: 5 }]],
];

describe.each(SHAPES)('%s', (_, shape, requests) => {
  test.each(requests)('%j is the same after it was in the form', (request) => {
    const fields = shape.read(request as Record<string, unknown>);
    expect(fields).toBeDefined();
    const { text, wrong } = shape.write(fields!);
    expect(wrong).toBe('');
    expect(JSON.parse(text)).toEqual(request);
  });
});

test('what the form has no place for is not taken into it', () => {
  expect(rest.read({ endpoint: '/', params: { a: { b: 1 } } })).toBeUndefined();
  expect(rest.read({ json: 1, data: 'x' })).toBeUndefined();
  expect(sql.read({ transaction: [{ query: 'select 1' }] })).toBeUndefined();
  expect(published.read({ queue: 'a', messages: [{ message: 1 }] })).toBeUndefined();
});

test('digits of JSON that is typed are sent as they are', () => {
  const fields = { ...rest.begin, method: 'POST', kind: 'json' as const, json: '{"n": 1.50, "big": 12345678901234567890}' };
  expect(rest.write(fields).text).toContain('"json": {"n": 1.50, "big": 12345678901234567890}');
});

test('a header that is there twice is said, not lost', () => {
  const row = (name: string, on = true) => ({ name, value: '1', on });
  expect(rest.write({ ...rest.begin, headers: [row('X-A'), row('x-a')] }).wrong).toContain('x-a');
  expect(rest.write({ ...rest.begin, headers: [row('X-A'), row('x-a', false)] }).wrong).toBe('');
});

test('JSON is laid out in the digits it came in', () => {
  expect(pretty('{"a":[1.50,{"b":"x,y:{"}],"c":{},"d":[]}')).toBe('{\n  "a": [\n    1.50,\n    {\n      "b": "x,y:{"\n    }\n  ],\n  "c": {},\n  "d": []\n}');
  expect(pretty('no JSON')).toBe('no JSON');
});

test('a feed keeps the latest and says how many went', () => {
  let feed = extended(nothing, [1, 2, 3], 0, 4);
  feed = extended(feed, [4, 5, 6], 0, 4);
  expect(feed.items.map(({ value }) => value)).toEqual([3, 4, 5, 6]);
  expect(feed.items.map(({ number }) => number)).toEqual([3, 4, 5, 6]);
  expect(feed).toMatchObject({ came: 6, dropped: 2 });
});

test('columns of one name each have their own value', () => {
  const names = ['id', 'id', 'id_2', 'id', ''];
  const text = JSON.stringify({ columns: names.map((name) => ({ name, type: 'int' })), rows: [{ id: 0, id_3: 1, id_2: 2, id_4: 3, '': 4 }] });
  expect(results(text)![0]!.rows).toEqual([[0, 1, 2, 3, 4]]);
  expect(results('{"data": 1}')).toBeUndefined();
});

test('tables are completed by schema, and where there is one without it', () => {
  const table = { schema: 'public', name: 'orders', columns: [{ name: 'id' }] };
  expect(tablesOf({ tables: [table] }, 'postgres')).toEqual({ tables: { public: { orders: ['id'] } }, usual: 'public' });
  expect(tablesOf({ tables: [{ ...table, schema: 'shop' }] }, 'mysql')).toMatchObject({ usual: 'shop' });
  expect(tablesOf(undefined, 'mysql')).toEqual({});
});

test('a file is called as the service says, without a path', () => {
  const named = (value: string) => fileName(new Headers({ 'content-disposition': value }), 'application/pdf');
  expect(named('attachment; filename="../../etc/passwd"')).toBe('passwd');
  expect(named("attachment; filename*=UTF-8''caf%C3%A9.pdf")).toBe('café.pdf');
  expect(fileName(new Headers(), 'application/pdf')).toBe('reply.pdf');
});
