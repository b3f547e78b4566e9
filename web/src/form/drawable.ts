// Makes of a schema that the server publishes one that a form can be drawn from: the same rules, in simpler shapes.
import type { RJSFSchema, UiSchema } from '@rjsf/utils';
import { digits, isKept } from '../exact';
import { isObject } from '../objects';
import { label } from '../words';
import { FIRST } from './first';

export interface Drawable {
  schema: RJSFSchema;
  ui: UiSchema;
}

type Schema = Record<string, unknown>;

/** A text like any other: no secret, and none of a few. */
const isText = (schema: unknown) => isObject(schema) && schema.type === 'string' && !('writeOnly' in schema || 'const' in schema || 'enum' in schema);

/** What a schema, or one of its alternatives, says may stand between several in one text. */
const apartOf = (schema: Schema): unknown => schema['x-apart'] ?? ((schema.anyOf ?? []) as Schema[]).map(apartOf).find(Boolean);

const isNull = (schema: Schema) => schema.type === 'null';

/** The alternatives of a schema without "nothing", those within alternatives too. */
function alternatives(schema: Schema): Schema[] {
  const inner = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  return inner && !inner.every((one) => 'required' in one && !('type' in one))
    ? inner.flatMap(alternatives).filter((one) => !isNull(one))
    : [schema];
}

/** `schema` as it can be drawn for what stands there now. */
export function drawable(schema: Schema | boolean, key: string, now: unknown): Drawable {
  if (typeof schema === 'boolean') {
    return json({}, key);
  }
  const about = { title: (schema.title as string | undefined) ?? label(key), ...described(schema) };
  const options = alternatives(schema);
  if (options.length > 1) {
    return choice(options, schema, about, key, now);
  }
  const { title: _, description: __, default: ___, anyOf, oneOf, ...rest } = { ...schema, ...options[0] } as Schema;
  const type = Array.isArray(rest.type) ? rest.type.filter((one) => one !== 'null') : [rest.type];
  if (type.length !== 1 || type[0] === undefined) {
    return json(about, key);
  }
  switch (type[0]) {
    case 'object':
      return object({ ...rest, ...about, type: 'object' }, key, now);
    case 'array': {
      const items = drawable((rest.items as Schema | undefined) ?? true, '', undefined);
      if (items.ui['ui:field'] || items.schema.type === 'object') {
        return json(about, key);
      }
      return { schema: { ...about, ...rest, type: 'array', items: { ...items.schema, title: undefined } }, ui: { items: items.ui } };
    }
    case 'string': {
      const { format, writeOnly, pattern, 'x-literal': literal, ...plain } = rest;
      if (writeOnly) {
        // The rule is for what is typed in clear, neither for what is stored nor for a reference such as ${env:NAME}.
        const rule = pattern ? { pattern: `^\\*{8}$|^\\$\\{|${String(pattern)}` } : {};
        const hint = literal ? { 'ui:placeholder': 'The secret itself' } : {};
        return { schema: { ...about, ...rule, type: 'string' }, ui: { 'ui:widget': 'SecretWidget', ...hint } };
      }
      if (pattern) {
        plain.pattern = pattern;
      }
      return { schema: { ...about, ...plain, type: 'string' }, ui: {} };
    }
    case 'boolean': {
      // Unset is a third answer, and what holds then may change with the server.
      const oneOf = [
        { const: true, title: 'On' },
        { const: false, title: 'Off' },
      ];
      const unset = typeof schema.default === 'boolean' ? `Default (${schema.default ? 'on' : 'off'})` : 'Default';
      const shape = { ...about, type: 'boolean', oneOf } as RJSFSchema;
      return { schema: shape, ui: { 'ui:widget': 'ChoiceWidget', 'ui:placeholder': unset } };
    }
    default: {
      const { format, ...plain } = rest;
      return { schema: { ...about, ...plain, type: type[0] as 'integer' }, ui: {} };
    }
  }
}

/** Its description as plain text, without the examples that stand in fences. */
function described(schema: Schema): { description?: string } {
  const text = typeof schema.description === 'string' ? schema.description : '';
  const plain = text.split(/\n\n```/)[0]!.replaceAll('\n', ' ').replaceAll('`', '');
  return plain ? { description: plain } : {};
}

function choice(options: Schema[], schema: Schema, about: Schema, key: string, now: unknown): Drawable {
  if (options.every((one) => 'const' in one)) {
    const oneOf = options.map((one) => ({ const: one.const, title: String(one.title ?? one.const) }));
    const type = typeof options[0]!.const as 'string';
    return { schema: { ...about, type, oneOf } as RJSFSchema, ui: { 'ui:widget': 'ChoiceWidget', 'ui:placeholder': typeof schema.default === 'string' ? `Default (${schema.default})` : 'Default' } };
  }
  const pattern = options.find((one) => one.type === 'string' && 'pattern' in one)?.pattern;
  if (pattern && options.every((one) => one.type === 'string' || one.type === 'number')) {
    // A time: a number of seconds, or a text with its unit. A text can say both.
    return {
      schema: { ...about, type: 'string', pattern: String(pattern) },
      ui: { 'ui:placeholder': 'seconds, or such as 250ms, 5m' },
    };
  }
  const several = options.find((one) => one.type === 'array');
  if (options.length === 2 && several && isText(several.items) && options.some((one) => isText(one))) {
    const { title = label(key), description } = about;
    const words = { title, ...(description ? { description } : {}) } as RJSFSchema;
    return { schema: words, ui: { 'ui:field': 'WordsField', 'ui:apart': apartOf(schema) ?? '\n' } };
  }
  const objects = options.filter((one) => one.type === 'object' && one.properties);
  if (options.length === 2 && objects.length === 1 && several && isObject(several.items) && several.items.properties) {
    const order = FIRST[key] ? { 'x-order': FIRST[key], 'x-first': FIRST[key] } : {};
    const { schema: shape } = json(about, key);
    return { schema: shape, ui: { 'ui:field': 'EntriesField', 'ui:entry': { ...objects[0], ...order } } };
  }
  if (objects.length === 1 && (now === undefined || isObject(now))) {
    return drawable({ ...objects[0], ...about }, key, now);
  }
  return json(about, key);
}

function object(schema: Schema, key: string, now: unknown): Drawable {
  const properties = (schema.properties ?? {}) as Record<string, Schema | boolean>;
  const names = Object.keys(properties);
  if (names.length === 0) {
    const values = schema.additionalProperties;
    const plain = isObject(values) && (values.type === 'string' || values.type === 'integer') && !values.writeOnly;
    if (!plain) {
      return json(schema, key);
    }
    const { type, minimum } = values;
    return { schema: { ...schema, additionalProperties: { type, ...(minimum === undefined ? {} : { minimum }) } } as RJSFSchema, ui: {} };
  }
  const ui: UiSchema = {};
  const drawn: Record<string, RJSFSchema> = {};
  for (const name of names) {
    const one = drawable(properties[name]!, name, isObject(now) ? now[name] : undefined);
    drawn[name] = one.schema;
    ui[name] = one.ui;
  }
  if (Array.isArray(schema['x-order'])) {
    ui['ui:order'] = [...(schema['x-order'] as string[]), '*'];
  }
  return { schema: { ...schema, properties: drawn } as RJSFSchema, ui };
}

/** What no form can draw is written as JSON. */
function json(about: Schema, key: string): Drawable {
  const { title = label(key), description } = about;
  return { schema: { title, ...(description ? { description } : {}) } as RJSFSchema, ui: { 'ui:field': 'JsonField' } };
}

/** What stands there as the form has it: times that are numbers become the texts that say the same. */
export function fit(value: unknown, schema: RJSFSchema): unknown {
  if ((typeof value === 'number' || isKept(value)) && schema.type === 'string') {
    return String(digits(value));
  }
  if (isObject(value) && schema.properties) {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, fit(inner, (schema.properties?.[key] ?? {}) as RJSFSchema)]),
    );
  }
  return value;
}
