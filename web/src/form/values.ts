// The values that a connection gives: those that its integration leaves open, by placeholders or inputs, and others that it has.
import { isObject } from '../objects';
import { MASK } from '../secrets';
import type { Asked } from './integrationSchema';

type Schema = Record<string, unknown>;

/** Keys of an integration that are the same for all connections. */
const PLAIN = new Set(['integration_id', 'name', 'description', 'type', 'auth_type', 'metadata', 'state']);

const PLACEHOLDER = /\{\{connection\.([A-Za-z0-9_-]+)\}\}/g;

/** As the server has it: what is called so is a secret, wherever it stands. */
const SENSITIVE = /auth|cookie|key|token|secret|passw(or)?d|signature|credential/i;

/** No value can be a reference, as other secrets can. */
const SECRET = { writeOnly: true, 'x-literal': true };

/** Where each placeholder of a document stands. */
export function placeholders(document: Schema): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const look = (value: unknown, path: string) => {
    if (typeof value === 'string') {
      for (const [, name] of value.matchAll(PLACEHOLDER)) {
        found.set(name!, [...new Set([...(found.get(name!) ?? []), path])]);
      }
    } else if (Array.isArray(value)) {
      value.forEach((inner, at) => look(inner, `${path}.${at}`));
    } else if (isObject(value)) {
      Object.entries(value).forEach(([key, inner]) => look(inner, path ? `${path}.${key}` : key));
    }
  };
  look(Object.fromEntries(Object.entries(document).filter(([key]) => !PLAIN.has(key))), '');
  return found;
}

/** The inputs that a connector asks for and an integration does not give, in their order. */
function open(document: Schema, asked: Asked | undefined): [string, Schema][] {
  const given = isObject(document.inputs) ? document.inputs : {};
  const way = asked?.ways.find(({ id }) => id === document.auth) ?? asked?.ways[0] ?? asked;
  const all = isObject(way?.inputs.properties) ? (way.inputs.properties as Record<string, Schema>) : {};
  const order = (way?.inputs['x-order'] ?? Object.keys(all)) as string[];
  return order.filter((name) => name in all && !(name in given)).map((name) => [name, all[name]!.writeOnly ? { ...all[name], ...SECRET } : all[name]!]);
}

/** The schema of the values of a connection of `document`: `now` is what it has, secrets masked. */
export function valuesOf(schema: Schema, document: Schema, asked: Asked | undefined, now: unknown): Schema {
  const properties: Schema = {};
  for (const [name, paths] of placeholders(document)) {
    const hidden = SENSITIVE.test(name) || paths.some((path) => path.startsWith('auth_config.'));
    properties[name] = { type: 'string', description: `Stands in ${paths.join(', ')}.`, ...(hidden ? SECRET : {}) };
  }
  Object.assign(properties, Object.fromEntries(open(document, asked)));
  for (const [name, value] of Object.entries(isObject(now) ? now : {})) {
    const known = (properties[name] ?? { type: 'string', ...(SENSITIVE.test(name) ? SECRET : {}) }) as Schema;
    properties[name] = value === MASK ? { ...known, ...SECRET } : known;
  }
  // More can be given: for what the integration will have.
  return { ...schema, type: 'object', title: 'Values', properties, additionalProperties: { type: 'string' }, 'x-order': Object.keys(properties) };
}
