// What a connection's form asks for: its keys, with the credential as its way to authenticate has it.
import { isObject } from '../objects';
import { credential } from './credential';
import type { Asked, Published } from './integrationSchema';
import { valuesOf } from './values';

type Schema = Record<string, unknown>;

/** In this order. */
const ORDER = ['connection', 'description', 'enabled', 'auth_type', 'auth_config', 'base_url', 'timeout', 'values', 'metadata'];

/** What a connection belongs to. */
interface Of {
  /** The integration, secrets masked. */
  integration: Schema;
  /** Of its connector, if it has one. */
  asked: Asked | undefined;
  /** The values that the connection had when the form began. */
  had: unknown;
}

/** `schema` of all connections for a `document` of one, and for what it belongs to. */
export function connectionForm(schema: Schema, published: Published, document: Schema, { integration, asked, had }: Of): Schema {
  const inherited = String(integration.auth_type ?? 'none');
  const properties = { ...(schema.properties as Record<string, Schema>) };
  properties.values = valuesOf(properties.values ?? {}, integration, asked, had);
  properties.auth_type = {
    type: 'string',
    oneOf: Object.keys(published.auth_types).map((name) => ({ const: name })),
    description: 'How it authenticates, if not as the integration does.',
    default: inherited,
  };
  const way = String(document.auth_type ?? inherited);
  const auth = published.auth_types[way];
  if (isObject(auth) && isObject(auth.properties) && Object.keys(auth.properties).length > 0) {
    // What is not its own is the integration's, so nothing has to be given.
    const { required: _, ...own } = credential(auth, way, document.auth_config);
    properties.auth_config = { ...own, title: 'Credential', description: 'What is left empty is as in the integration.' };
  } else {
    delete properties.auth_config;
  }
  const keys = [...ORDER, ...Object.keys(properties)].filter((key, place, all) => key in properties && all.indexOf(key) === place);
  return {
    type: 'object',
    required: ['connection'],
    properties: Object.fromEntries(keys.map((key) => [key, key === 'connection' ? { ...NAME, ...properties[key] } : properties[key]!])),
  };
}

/** As the API has it, so that a wrong name is told while one types. */
const NAME = { pattern: '^[A-Za-z0-9._~-]+$', maxLength: 128 };

/** `document` without what was emptied: an empty text is nothing of its own. */
export function owned(document: Schema): Schema {
  const kept = Object.entries(document).flatMap(([key, value]): [string, unknown][] => {
    if (value === undefined || value === null || value === '') {
      return [];
    }
    const inner = key === 'auth_config' && isObject(value) ? owned(value) : value;
    return isObject(inner) && Object.keys(inner).length === 0 ? [] : [[key, inner]];
  });
  return Object.fromEntries(kept);
}
