// A request as lines of a program in Rust that has the crate `trunkline` and a `manager`.
import { isExact } from '../../exact';
import { parsed, written } from '../json';
import { isObject } from '../../objects';
import { type Asked, asCall } from './asked';

/** Methods that `HttpRequest` has a constructor for. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

export function rust(asked: Asked, type: string): string {
  const lines = (type === 'rest' && asked.kind === 'call' && rest(asked)) || any(asked);
  return `${lines.join('\n')}\n`;
}

/** A request of REST by the builder, where it says nothing that the builder has no word for. */
function rest(asked: Asked): string[] | undefined {
  const request = parsed(asked.body);
  if (!request || !isExact(asked.body)) {
    return undefined;
  }
  const { method = 'GET', endpoint = '', params = {}, headers = {}, json, ...others } = request;
  const verb = String(method).toUpperCase();
  const known = typeof endpoint === 'string' && isObject(params) && isObject(headers) && METHODS.includes(verb);
  if (!known || Object.keys(others).length > 0 || !Object.values(headers).every((one) => typeof one === 'string')) {
    return undefined;
  }
  const chain: string[] = [];
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (isObject(one) || Array.isArray(one)) {
        return undefined;
      }
      if (one !== null) {
        chain.push(`.param(${text(name)}, ${text(String(one))})`);
      }
    }
  }
  const before: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(lower) || !/^[\x20-\x7e]*$/.test(String(value))) {
      return undefined;
    }
    chain.push(`.header(HeaderName::from_static(${text(lower)}), HeaderValue::from_static(${text(String(value))}))`);
  }
  if (Object.keys(headers).length > 0) {
    before.push('use http::{HeaderName, HeaderValue};');
  }
  if (json !== undefined) {
    before.push('use serde_json::Value;');
    chain.push('.json(&body)?');
  }
  const body = json === undefined ? [] : [`let body: Value = trunkline::parse::text(${raw(written(json))}.as_bytes())?;`];
  const begin = `HttpRequest::${verb.toLowerCase()}(${text(endpoint)})`;
  const made = chain.length === 0 ? begin : [begin, ...chain.map((one) => `    ${one}`)].join('\n');
  const called = asked.connection
    ? `manager.call_for(${text(asked.id)}, ${text(asked.connection)}, request)`
    : `manager.call(${text(asked.id)}, request)`;
  return [
    ...before,
    'use trunkline::HttpRequest;',
    '',
    ...body,
    `let request = ${made};`,
    `let reply = ${called}.await?;`,
    'println!("{}", String::from_utf8_lossy(&reply.bytes().await?));',
  ];
}

/** Any request as JSON, which the integration's type reads. */
function any(asked: Asked): string[] {
  const stream = asked.kind === 'stream';
  const handle = asked.connection
    ? `manager.connection(${text(asked.id)}, ${text(asked.connection)}).await?`
    : `manager.get(${text(asked.id)})?`;
  return [
    'use serde_json::value::RawValue;',
    ...(stream ? ['use trunkline::Call;'] : []),
    '',
    `let handle = ${handle};`,
    `let request: Box<RawValue> = trunkline::parse::text(${raw(asCall(asked, false))}.as_bytes())?;`,
    ...(stream
      ? [
          'let mut call = Call::new(handle.id().clone(), handle.parse_stream(&request)?);',
          'let mut events = handle.call(&mut call).await?.events()?;',
          'while let Some(event) = events.next().await {',
          '    println!("{}", String::from_utf8_lossy(&event?.data));',
          '}',
        ]
      : [
          'let mut call = handle.ask(&request)?;',
          'let reply = handle.call(&mut call).await?;',
          'println!("{}", String::from_utf8_lossy(&reply.bytes().await?));',
        ]),
  ];
}

/** A literal of Rust. */
function text(value: string): string {
  const escaped = value.replace(/[\\"]/g, (c) => `\\${c}`).replace(/[\0-\x1f\x7f]/g, (c) => `\\u{${c.charCodeAt(0).toString(16)}}`);
  return `"${escaped}"`;
}

/** A literal in which nothing is escaped, with as many hashes as it takes. */
export function raw(value: string): string {
  const ends = [...value.matchAll(/"(#*)/g)].map(([, hashes]) => hashes!.length);
  const hashes = '#'.repeat(Math.max(0, ...ends) + 1);
  return `r${hashes}"${value}"${hashes}`;
}
