// What is copied is what was asked, whatever characters are in it: a shell says what words it makes of a command.
/// <reference types="node" />
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Asked } from './asked';
import { cli } from './cli';
import { curl } from './curl';
import { raw, rust } from './rust';
import { quoted } from './shell';

const ODD = [
  '',
  'plain',
  "it's",
  `"double" and 'single'`,
  '$HOME `date` $(date) ${PATH}',
  'a\\b\\\\c\\',
  '!history! #comment; rm -rf /; & | < > * ? [a] {b,c} ~',
  'two\nlines\n',
  '\ttab',
  '@file',
  '-d',
  'ümläut 日本 🙂',
  '%s %%',
];

/** The words that a shell makes of a command, which is replaced by one that prints them. */
function words(command: string): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }\ntrunkline() { printf '%s\\0' "$@"; }\n${command}`;
  const out = execFileSync('sh', ['-c', script], { env: { TRUNKLINE_API_TOKEN: 's3cret' }, encoding: 'utf8' });
  return out.split('\0').slice(0, -1);
}

const asked = (body: string, more: Partial<Asked> = {}): Asked => ({
  origin: 'http://127.0.0.1:8700',
  id: 'shop',
  kind: 'call',
  body,
  token: false,
  ...more,
});

test.each(ODD)('a shell takes %j as one word', (word) => {
  const out = execFileSync('sh', ['-c', `printf '%s' ${quoted(word)}`], { encoding: 'utf8' });
  expect(out).toBe(word);
});

describe.each(ODD)('with %j in it', (odd) => {
  const body = JSON.stringify({ query: odd }, null, 2);

  test('curl sends the body', () => {
    const found = words(curl(asked(body)));
    expect(found[found.indexOf('--data-raw') + 1]).toBe(body);
    expect(found).toContain('http://127.0.0.1:8700/api/v1/integrations/shop/call');
  });

  test('the command sends the body', () => {
    const found = words(cli(asked(body)));
    expect(found.slice(0, 2)).toEqual(['call', 'shop']);
    expect(found[found.indexOf('--request') + 1]).toBe(body);
  });

  test('a raw literal of Rust ends where it should', () => {
    const literal = raw(body);
    const hashes = /^r(#+)"/.exec(literal)![1]!;
    expect(literal.indexOf(`"${hashes}`, hashes.length + 2)).toBe(literal.length - hashes.length - 1);
    expect(literal.slice(hashes.length + 2, -hashes.length - 1)).toBe(body);
  });
});

test('the token is taken from the environment, and is not in the command', () => {
  const command = curl(asked('{}', { token: true, connection: "o'brien" }));
  expect(command).not.toContain('s3cret');
  const found = words(command);
  expect(found).toContain('Trunkline-Token: s3cret');
  expect(found).toContain("Trunkline-Connection: o'brien");
});

test('an action is asked for by its name, and its pages by a key', () => {
  const list = asked('{ "limit": 3 }', { kind: 'action', action: 'list_customers', query: '?pages=all' });
  expect(words(curl(list))).toContain('http://127.0.0.1:8700/api/v1/integrations/shop/actions/list_customers?pages=all');
  const found = words(cli(list));
  expect(JSON.parse(found[found.indexOf('--request') + 1]!)).toEqual({ action: 'list_customers', input: { limit: 3 }, pages: true });
});

test('a stream is read as it comes, from a server that is elsewhere', () => {
  const stream = asked('{}', { kind: 'stream', origin: 'https://trunkline.example.com' });
  expect(words(curl(stream))[0]).toBe('-sSN');
  expect(words(cli(stream))).toEqual(['stream', 'shop', '--url', 'https://trunkline.example.com', '--request', '{}']);
});

test.each<[string, string]>([
  [
    'a_request_of_rest',
    rust(asked('{"endpoint": "/orders", "params": {"page": 2, "tag": ["a", "b\\"c\\n"]}, "headers": {"X-Shop": "one \\\\ two"}}'), 'rest'),
  ],
  [
    'a_body_of_a_connection',
    rust(asked('{"method": "post", "endpoint": "/orders", "json": {"name": "a \\"# b"}}', { connection: 'acme' }), 'rest'),
  ],
  ['any_request', rust(asked('{"method": "POST", "json": {"n": 12345678901234567890}}', { connection: 'acme' }), 'rest')],
  ['a_stream', rust(asked('{"queue": "orders"}', { id: 'live', kind: 'stream' }), 'message_queue')],
])('Rust compiles %s, and runs it in its own tests', (name, copied) => {
  const program = readFileSync(new URL('../../../../crates/trunkline/tests/it/copied.rs', import.meta.url), 'utf8');
  expect(program).toContain(`async fn ${name}(manager: &Manager) -> Result<()> {\n${copied}Ok(())\n}\n`);
});

test('a request of REST is written with the builder, and any other as JSON', () => {
  const get = rust(asked('{"endpoint": "/orders", "params": {"page": 2, "tag": ["a", "b\\"c"]}}'), 'rest');
  expect(get).toContain('HttpRequest::get("/orders")\n    .param("page", "2")\n    .param("tag", "a")\n    .param("tag", "b\\"c")');
  expect(get).toContain('manager.call("shop", request)');
  for (const other of ['{"endpoint": "/orders", "timeout": 5}', '{"method": "POST", "json": {"n": 12345678901234567890}}']) {
    expect(rust(asked(other), 'rest')).toContain(`r#"${other}"#`);
  }
  expect(rust(asked('{"query": "select 1"}'), 'postgres')).toContain('handle.ask(&request)?');
});
