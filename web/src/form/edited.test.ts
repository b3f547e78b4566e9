// No form changes what nobody edited, whatever the schema: all that a server publishes are tried.
import { createSchemaUtils } from '@rjsf/utils';
import { describe, expect, test } from 'vitest';
import { withServer } from '../../scripts/server.js';
import { drawable, fit } from './drawable';
import { parse, stringify } from '../exact';
import { isObject } from '../objects';
import { AS_IT_IS, edited } from './edited';
import { keysOf, type Published } from './integrationSchema';
import type { Data } from './SchemaForm';
import validator from './validator';

let published!: Published;
await withServer({}, async (url) => {
  published = (await (await fetch(new URL('/api/v1/schemas', url))).json()) as Published;
});

type Schema = Record<string, unknown>;

/** Every alternative once, so that a schema of five gives documents in which each stands somewhere. */
function samples(schema: Schema | boolean, depth = 0): unknown[] {
  if (typeof schema === 'boolean' || depth > 5) {
    return [{ any: [1, 'two', null] }];
  }
  const inner = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (inner?.some((one) => 'type' in one || 'const' in one || 'anyOf' in one || 'oneOf' in one)) {
    return inner.flatMap((one) => samples({ ...schema, anyOf: undefined, oneOf: undefined, ...one }, depth + 1));
  }
  if ('const' in schema) {
    return [schema.const];
  }
  const types = [schema.type ?? 'object'].flat();
  return types.flatMap((type): unknown[] => {
    switch (type) {
      case 'string':
        return Array.isArray(schema.enum) ? schema.enum : schema.writeOnly ? ['********', '${env:A}'] : ['1', 'some text'];
      case 'integer':
        return [1, 0];
      case 'number':
        return [1, 0.25, 30];
      case 'boolean':
        return [true, false];
      case 'null':
        return [null];
      case 'array':
        return [[], samples((schema.items ?? true) as Schema, depth + 1)];
      default: {
        const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema | boolean>);
        const each = properties.map(([key, one]) => [key, samples(one, depth + 1)] as const);
        const most = Math.max(0, ...each.map(([, values]) => values.length));
        const whole = Array.from({ length: most }, (_, at) =>
          Object.fromEntries(each.map(([key, values]) => [key, values[at % values.length]])),
        );
        return [{}, ...whole, ...(schema.additionalProperties ? [{ free: 'text' }] : [])];
      }
    }
  });
}

/** What the form says of a document that nobody touches. */
function untouched(schema: Schema, document: Data): { shown: unknown; now: unknown } {
  const drawn = drawable(schema, '', document).schema;
  const shown = fit(document, drawn);
  const now = createSchemaUtils(validator, drawn, AS_IT_IS).getDefaultFormState(drawn, shown as Data);
  return { shown, now };
}

/** Documents of a type in which each key has each of its shapes. */
function documents(type: string, auth: string): Data[] {
  const { schema } = keysOf(published, { auth_type: auth }, type, []);
  const every = keysOf(published, { auth_type: auth }, type, keysOf(published, { auth_type: auth }, type, []).more);
  expect(Object.keys(every.schema.properties).length).toBeGreaterThan(Object.keys(schema.properties).length);
  const each = Object.entries(every.schema.properties).map(([key, one]) => [key, samples(one)] as const);
  const most = Math.max(...each.map(([, values]) => values.length));
  return Array.from({ length: most }, (_, at) => ({
    ...Object.fromEntries(each.map(([key, values]) => [key, values[at % values.length]])),
    integration_id: 'a',
    type,
    auth_type: auth,
  }));
}

describe.each(Object.keys(published.types))('a configuration of type %s', { timeout: 60_000 }, (type) => {
  test('that is read and saved without an edit is the same document, to the letter', () => {
    // Credentials are the same for all types.
    const ways = type === 'rest' ? Object.keys(published.auth_types) : ['bearer'];
    const all = ways.flatMap((auth) => documents(type, auth));
    expect(all.length).toBeGreaterThan(5);
    for (const document of all) {
      const { schema } = keysOf(published, document, type, []);
      const { shown, now } = untouched(schema, document);
      expect(JSON.stringify(edited(document, shown, now))).toBe(JSON.stringify(document));
    }
  });

  test('in which one key is edited differs in that key alone', () => {
    for (const document of documents(type, 'bearer')) {
      const { schema } = keysOf(published, document, type, []);
      const { shown, now } = untouched(schema, document);
      const after = edited(document, shown, { ...(now as Data), description: 'another' });
      expect(JSON.stringify(after)).toBe(JSON.stringify({ ...document, description: 'another' }));
    }
  });
});

/** The schemas of all forms within forms, by the names of their keys. */
function entries(ui: Schema): [string, Schema][] {
  return Object.entries(ui).flatMap(([key, inner]) => {
    if (!isObject(inner)) {
      return [];
    }
    return 'ui:entry' in inner ? [[key, inner['ui:entry'] as Schema] as [string, Schema]] : entries(inner);
  });
}

test('a form within a form that nobody edits changes nothing either', () => {
  const { ui } = drawable(published.common, '', {});
  const found = entries(ui);
  expect(found.map(([key]) => key)).toContain('rate_limit');
  for (const [, schema] of found) {
    for (const entry of samples(schema) as Data[]) {
      const { shown, now } = untouched(schema, entry);
      expect(JSON.stringify(edited(entry, shown, now))).toBe(JSON.stringify(entry));
    }
  }
});

test('a number that is shown as a text stays a number beside what is edited', () => {
  const document = { rate_limit: { requests: 5, per: 1 } };
  const after = edited(document, { rate_limit: { requests: 5, per: '1' } }, { rate_limit: { requests: 7, per: '1' } });
  expect(after).toEqual({ rate_limit: { requests: 7, per: 1 } });
});

test('what is taken away is gone, and what the form never showed is not', () => {
  const after = edited({ a: 1, b: 2, c: 3 }, { a: 1, b: 2 }, { a: 1 });
  expect(after).toEqual({ a: 1, c: 3 });
  expect(isObject(after)).toBe(true);
});

test('a number that JavaScript has no room for stays what it is, in fields of texts, of numbers and of anything', () => {
  const schema = { type: 'object', properties: { text: { type: 'string' }, number: { type: 'integer' }, any: true, name: { type: 'string' } } };
  const json = '{"text":12345678901234567890,"number":12345678901234567890,"any":{"n":[12345678901234567890]}}';
  const document = parse(json) as Data;
  const { shown, now } = untouched(schema, document);
  expect(shown).toMatchObject({ text: '12345678901234567890' });
  expect(validator.rawValidation(drawable(schema, '', document).schema, now).errors).toEqual([]);
  expect(stringify(edited(document, shown, { ...(now as Data), name: 'another' }))).toBe(json.replace(/}$/, ',"name":"another"}'));
});
